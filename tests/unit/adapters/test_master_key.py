import base64
import os
import stat
import warnings

import pytest

from tabard.adapters.entropy import PooledEntropy
from tabard.adapters.master_key import MasterKeyError, load_master_key
from tests.worlds import CountingEntropy

KEY = bytes(range(32))
TEXT = base64.b64encode(KEY).decode()


def refusal(environ, path) -> str:
    with pytest.raises(MasterKeyError) as caught:
        load_master_key(environ, path, entropy=CountingEntropy())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_environment_comes_first(tmp_path):
    path = tmp_path / "master.key"
    assert load_master_key({"TABARD_MASTER_KEY": f" {TEXT}\n"}, path, entropy=CountingEntropy()) == KEY
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "x", TEXT[:-4], TEXT + TEXT, "!" * 44, TEXT.replace("=", "\u0661")])
def test_a_text_that_is_no_key_is_refused_and_not_repeated(tmp_path, text):
    told = refusal({"TABARD_MASTER_KEY": text}, tmp_path / "master.key")
    assert told.startswith("TABARD_MASTER_KEY does not hold a master key: it must be 32 bytes in base64")
    assert not text or len(text) == 1 or text not in told


def test_the_first_start_makes_a_file_for_its_owner_alone_and_the_next_reads_it(tmp_path):
    path = tmp_path / "data" / "master.key"
    made = load_master_key({}, path, entropy=CountingEntropy())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["master.key"]
    assert load_master_key({}, path, entropy=PooledEntropy()) == made
    assert len(made) == 32


def test_processes_that_start_at_once_agree(tmp_path):
    path = tmp_path / "master.key"
    starting, go = os.pipe()
    children = []
    for _ in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads that other tests left
            child = os.fork()
        if child == 0:
            os.close(go)
            os.read(starting, 1)  # until the parent closes its end
            (tmp_path / f"seen-{os.getpid()}").write_bytes(load_master_key({}, path, entropy=PooledEntropy()))
            os._exit(0)
        children.append(child)
    os.close(go)
    for child in children:
        os.waitpid(child, 0)
    os.close(starting)
    assert len({(tmp_path / f"seen-{child}").read_bytes() for child in children}) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o777])
def test_a_file_that_others_can_use_is_refused(tmp_path, mode):
    path = tmp_path / "master.key"
    path.write_text(TEXT)
    path.chmod(mode)
    assert (
        refusal({}, path)
        == f"the master key file {path} can be read by others (mode {mode:04o}); run `chmod 600 {path}`"
    )
    path.chmod(0o600)
    assert load_master_key({}, path, entropy=CountingEntropy()) == KEY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path):
    path = tmp_path / "master.key"
    path.write_text(TEXT)
    path.chmod(0o600)
    os.chown(path, 12345, 12345)
    assert refusal({}, path) == f"the master key file {path} belongs to user id 12345; run `chown 0 {path}`"


def test_a_link_a_folder_and_a_pipe_are_refused(tmp_path):
    (tmp_path / "real").write_text(TEXT)
    (tmp_path / "real").chmod(0o600)
    link, dangling, pipe = tmp_path / "link", tmp_path / "dangling", tmp_path / "pipe"
    link.symlink_to(tmp_path / "real")
    dangling.symlink_to(tmp_path / "nowhere")
    os.mkfifo(pipe, 0o600)
    for path in (link, dangling, pipe, tmp_path):
        assert str(path) in refusal({}, path)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_with_something_else_in_it_is_refused(tmp_path):
    path = tmp_path / "master.key"
    for content in (b"", b"\xff\xfe", TEXT.encode() * 2, b"A" * 100_000):
        path.write_bytes(content)
        path.chmod(0o600)
        assert refusal({}, path).startswith(f"{path} does not hold a master key")

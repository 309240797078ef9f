from tabard.policy.render import replace_principals

BOB = "arn:aws:iam::111122223333:user/bob"
EVE = "arn:aws:iam::111122223333:user/eve"


def test_without_names_a_document_is_shown_to_the_byte():
    text = ' {"Statement" :\n[ { "Principal":{"AWS":"' + BOB + '"} }]}\t'
    assert replace_principals(text, {}) == text
    assert replace_principals(text, {EVE: "AIDAX"}) == text


def test_only_the_named_principals_change():
    text = (
        f'{{"Version":"2012-10-17", "Statement": [{{"Sid":"{BOB}","Effect":"Allow", "Principal": {{"AWS": ["{BOB}" , "{EVE}"],'
        f' "Federated": "{BOB}"}}, "Condition": {{"ArnEquals": {{"AWS": "{BOB}"}}}} }},'
        f' {{"NotPrincipal":{{"AWS":"{BOB}"}},"Action":["sts:AssumeRole","{BOB}"]}}]}}'
    )
    shown = replace_principals(text, {BOB: "AIDAGONE"})
    assert shown == text.replace(f'["{BOB}" ,', '["AIDAGONE" ,').replace(
        f'"NotPrincipal":{{"AWS":"{BOB}"', '"NotPrincipal":{"AWS":"AIDAGONE"'
    )


def test_a_principal_written_with_escapes_is_found():
    text = '{"Statement":{"Principal":{"AWS":"arn:aws:iam::111122223333:user\\/bob"},"Action":"sts:AssumeRole"}}'
    assert '"AWS":"AIDAGONE"' in replace_principals(text, {BOB: "AIDAGONE"})


def test_a_statement_that_is_no_list_is_understood():
    text = '{"Statement":{"Principal":{"AWS":"' + BOB + '"}}}'
    assert replace_principals(text, {BOB: "AIDAGONE"}) == '{"Statement":{"Principal":{"AWS":"AIDAGONE"}}}'

"""Sends invalid TLS messages, one kind per case, and prints the reaction of the service.

    tls_callers.py PORT CERTIFICATE KEY OTHER_KEY EXPECTED

Connects to localhost with the client certificate CERTIFICATE and KEY (PEM) through tlslite-ng, and
changes its messages before they are sent. Prints a line for each case, `VERSION CASE: REACTION`. A
reaction is `answered` (a request got its answer), the name of a fatal alert, `closed` (an end without
an alert) or `silence`. EXPECTED is fixtures/tls/callers.txt: a request is sent only where an answer is
expected, because data sent to a closed end resets the connection, and the alert is lost.
"""

import socket
import sys

from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
from tlslite.constants import AlertDescription, AlertLevel, ContentType
from tlslite.errors import BaseTLSException, TLSRemoteAlert
from tlslite.messages import Alert, ApplicationData, Certificate, CertificateVerify, ClientHello, Finished, Message

PORT, CERTIFICATE, KEY, OTHER_KEY, EXPECTED = int(sys.argv[1]), *sys.argv[2:]
REQUEST = (b"GET /eHealthAttributesService/v1/consult HTTP/1.1\r\n"
           b"Host: localhost\r\nConnection: close\r\n\r\n")
TLS_1_2, TLS_1_3 = (3, 3), (3, 4)


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


ANSWERED = {line.rpartition(":")[0] for line in read(EXPECTED).splitlines() if line.endswith(": answered")}
CHAIN = X509CertChain()
CHAIN.parsePemList(read(CERTIFICATE))


class Bytes:
    """A handshake message whose bytes are given."""

    contentType = ContentType.handshake

    def __init__(self, message, content):
        self.handshakeType = message.handshakeType
        self.content = bytes([message.handshakeType]) + len(content).to_bytes(3, "big") + bytes(content)

    def write(self):
        return bytearray(self.content)


def content(message):
    return bytearray(message.write())[4:]


class Caller(TLSConnection):
    """A client that replaces each message by the list that `change` returns."""

    change = staticmethod(lambda message: [message])

    def _sendMsg(self, msg, *arguments, **named):
        for changed in self.change(msg):
            yield from super()._sendMsg(changed, *arguments, **named)

    def _sendMsgs(self, msgs):
        yield from super()._sendMsgs([changed for msg in msgs for changed in self.change(msg)])


def on(kind, *make):
    """Replaces a message of this kind by the results of each of `make`."""
    return lambda message: [one(message) for one in make] if isinstance(message, kind) else [message]


def same(message):
    return message


def with_content(edit):
    return lambda message: Bytes(message, edit(content(message)))


def flip_last(data):
    data[-1] ^= 1
    return data


def algorithm(first, second):
    return with_content(lambda data: bytearray([first, second]) + data[2:])


def sized(data):
    """A CertificateVerify with the correct length of its signature."""
    return data[:2] + len(data[4:]).to_bytes(2, "big") + data[4:]


def attempt(name, version, change=None, settings=None, chain=CHAIN, key=KEY, after=None, alpn=None):
    """Connects, sends a request if an answer is expected, and returns the reaction."""
    given = HandshakeSettings()
    given.minVersion = given.maxVersion = version
    given.keyShares = ["secp256r1"]
    # The service does not request it, but the library would send a compressed certificate.
    given.certificate_compression_send = given.certificate_compression_receive = []
    for name, value in (settings or {}).items():
        setattr(given, name, value)
    plain = socket.create_connection(("localhost", PORT), timeout=20)
    caller = Caller(plain)
    if change:
        caller.change = change
    try:
        caller.handshakeClientCert(chain, parsePEMKey(read(key), private=True) if chain else None,
                                   settings=given, serverName="localhost", alpn=alpn)
        if after:
            after(caller, plain)
        if name in ANSWERED:
            caller.sendall(REQUEST)
        came = caller.read(max=4096, min=1)
        return "answered" if came.startswith(b"HTTP/1.1 200") else "closed"
    except TLSRemoteAlert as alert:
        return AlertDescription.toRepr(alert.description)
    except TimeoutError:
        return "silence"
    except (BaseTLSException, OSError):
        return last_word(caller)
    finally:
        plain.close()


def last_word(caller):
    """The alert that the service sent before the connection broke during a send."""
    try:
        for _ in caller._getMsg(ContentType.application_data):
            pass
    except TLSRemoteAlert as alert:
        return AlertDescription.toRepr(alert.description)
    except (BaseTLSException, OSError):
        pass
    return "closed"


def raw(data):
    return lambda caller, plain: plain.sendall(data)


def send(*messages):
    def after(caller, _):
        for message in messages:
            for _ in caller._sendMsg(message, randomizeFirstBlock=False):
                pass
    return after


def hello_again(caller, _):
    hello = ClientHello().create((3, 3), bytearray(32), bytearray(), [0xC02F, 0xC02B])
    for _ in caller._sendMsg(hello):
        pass


def warn(count):
    alert = Alert().create(AlertDescription.user_canceled, AlertLevel.warning)
    return send(*[alert] * count)


def update_keys(count):
    def after(caller, _):
        for _ in range(count):
            for _ in caller.send_keyupdate_request(1):
                pass
    return after


def cut(data):
    return data[:len(data) // 2]


def many(count):
    chain = X509CertChain()
    chain.x509List = CHAIN.x509List * count
    return chain


CASES = [
    ("right", {}),
    ("no certificate", dict(chain=None)),
    ("certificate message missing", dict(change=on(Certificate))),
    ("certificate message twice", dict(change=on(Certificate, same, same))),
    ("certificate cut off", dict(change=on(Certificate, with_content(cut)))),
    ("certificate with a byte behind it", dict(change=on(Certificate, with_content(lambda data: data + b"\0")))),
    ("certificate with a bit changed", dict(change=on(Certificate, with_content(
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:])))),
    ("the same certificate four times", dict(chain=many(4))),
    ("the same certificate a hundred times", dict(chain=many(100))),
    ("signature missing", dict(change=on(CertificateVerify))),
    ("signature with a bit changed", dict(change=on(CertificateVerify, with_content(flip_last)))),
    ("signature empty", dict(change=on(CertificateVerify, with_content(lambda data: sized(data[:4]))))),
    ("signature cut off", dict(change=on(CertificateVerify, with_content(lambda data: sized(data[:-8]))))),
    ("signature shorter than it says", dict(change=on(CertificateVerify, with_content(lambda data: data[:-8])))),
    ("signature with bytes behind it", dict(change=on(CertificateVerify, with_content(lambda data: data + b"\0\0")))),
    ("signature twice", dict(change=on(CertificateVerify, same, same))),
    ("signature of another key", dict(key=OTHER_KEY)),
    ("signature named ecdsa_sha1", dict(change=on(CertificateVerify, algorithm(2, 3)))),
    ("signature named rsa_pkcs1_sha256", dict(change=on(CertificateVerify, algorithm(4, 1)))),
    ("signature named rsa_pkcs1_md5", dict(change=on(CertificateVerify, algorithm(1, 1)))),
    ("signature named rsa_pss_rsae_sha256", dict(change=on(CertificateVerify, algorithm(8, 4)))),
    ("signature named ed25519", dict(change=on(CertificateVerify, algorithm(8, 7)))),
    ("signature named ecdsa_secp384r1_sha384", dict(change=on(CertificateVerify, algorithm(5, 3)))),
    ("signature of an unknown algorithm", dict(change=on(CertificateVerify, algorithm(0xFE, 0xFE)))),
    ("signature before the certificate", dict(change=on(Certificate, lambda message: Bytes(
        CertificateVerify(TLS_1_2), bytearray(b"\x04\x03\x00\x00")), same))),
    ("finished with a bit changed", dict(change=on(Finished, with_content(flip_last)))),
    ("finished cut off", dict(change=on(Finished, with_content(cut)))),
    ("finished twice", dict(change=on(Finished, same, same))),
    ("data before finished", dict(change=on(Finished, lambda _: ApplicationData().create(bytearray(REQUEST)), same))),
    ("a second hello", dict(after=hello_again)),
    ("a record longer than may be", dict(after=raw(b"\x17\x03\x03\x50\x00" + b"\0" * 0x5000))),
    ("a record that was never encrypted", dict(after=raw(b"\x17\x03\x03\x00\x20" + b"\0" * 32))),
    ("a record of an unknown type", dict(after=raw(b"\x40\x03\x03\x00\x20" + b"\0" * 32))),
    ("a heartbeat", dict(after=send(Message(ContentType.heartbeat, bytearray(b"\1\x40\0ab"))))),
    ("an empty handshake record", dict(after=send(Message(ContentType.handshake, bytearray())))),
    ("a change of cipher, once more", dict(after=send(Message(ContentType.change_cipher_spec, bytearray(b"\1"))))),
    ("a warning", dict(after=warn(1))),
    ("a hundred warnings", dict(after=warn(100))),
    ("HTTP/2 alone", dict(alpn=[bytearray(b"h2")])),
    ("HTTP/2 and HTTP/1.1", dict(alpn=[bytearray(b"h2"), bytearray(b"http/1.1")])),
]

CASES_1_3 = [
    ("certificate compressed", dict(settings=dict(certificate_compression_send=["zlib"],
                                                  certificate_compression_receive=["zlib"]))),
    ("an update of keys", dict(after=update_keys(1))),
    ("a thousand updates of keys", dict(after=update_keys(1_000))),
]

CASES_1_2 = [
    ("CBC alone", dict(settings=dict(cipherNames=["aes128", "aes256"], macNames=["sha", "sha256"]))),
    ("key agreement that is not ephemeral", dict(settings=dict(keyExchangeNames=["rsa"]))),
    ("finite fields alone", dict(settings=dict(keyExchangeNames=["dhe_rsa"]))),
]

VERSIONS = [("1.2", TLS_1_2, CASES + CASES_1_2), ("1.3", TLS_1_3, CASES + CASES_1_3)]
OLD = [(name, version, [("right", {})]) for name, version in (("SSL 3", (3, 0)), ("1.0", (3, 1)), ("1.1", (3, 2)))]
for version, number, cases in VERSIONS + OLD:
    for case, how in cases:
        name = f"{version} {case}"
        print(f"{name}: {attempt(name, number, **how)}", flush=True)

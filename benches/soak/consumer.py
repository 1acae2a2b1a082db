"""A good consumer: asks one question after another, checks each answer, keeps its ticket."""
import re
import socket
import ssl
import time

PATH = "/eHealthAttributesService/v1/consultAttributes"
TEST = "/TestConnectionServiceService/sendTestMessage"
ENVELOPE = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'
CONSULT = ('<i:consultAttributesRequest xmlns:i="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"><informationCustomer>'
           "<customerIdentification><cbeNumber>{organisation}</cbeNumber></customerIdentification></informationCustomer>"
           "<legalContext>BACKTOWORK:{context}</legalContext><criteria><ssin>{ssin}</ssin></criteria></i:consultAttributesRequest>")
ECHO = ('<i:sendTestMessageRequest xmlns:i="http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1"><echo>{}</echo>'
        "</i:sendTestMessageRequest>")


def consult(organisation="0999010126", context="ADVISORY_PHYSICIAN", ssin="85073099932"):
    return ENVELOPE.format(CONSULT.format(organisation=organisation, context=context, ssin=ssin)).encode()


def echo(text):
    return ENVELOPE.format(ECHO.format(text)).encode()


def head(path, length, more=""):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\n"
            f"Content-Length: {length}\r\n{more}\r\n").encode()


class Connection:
    """A connection over mutual TLS, without any help of an HTTP library that would hide what is sent."""

    def __init__(self, service, who, timeout=15):
        context = ssl.create_default_context(cafile=service.folder / "ca.pem")
        if who:
            clients = service.folder / "clients"
            context.load_cert_chain(clients / f"{who}.pem", clients / f"{who}.key")
        plain = socket.create_connection(("127.0.0.1", service.port), timeout=timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        """Status, head and body of one answer."""
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)^content-length: *(\d+)", head, re.M)
        length = int(length.group(1)) if length else 0
        while len(self.rest) < length:
            self.more()
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(head.split(b" ")[1]), head, body

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError("closed")
        self.rest += data

    def close(self):
        self.socket.close()


class GoodConsumer:
    RATE = 20  # questions a second

    def __init__(self, service, stop):
        self.service, self.stop = service, stop
        self.tickets, self.codes, self.times, self.errors = [], {}, [], {}
        self.results = set()  # of the answers with data: all are the same

    def run(self):
        connection, body = None, consult()
        request = head(PATH, len(body)) + body
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                connection = connection or Connection(self.service, "fund")
                connection.send(request)
                status, header, answer = connection.read()
                self.keep(status, answer, time.monotonic() - begun)
                if b"connection: close" in header.lower():
                    connection.close()
                    connection = None
            except (OSError, EOFError, ssl.SSLError) as error:
                name = f"{type(error).__name__} {error}"[:60]
                self.errors[name] = self.errors.get(name, 0) + 1
                if connection:
                    connection.close()
                connection = None
            time.sleep(max(0, 1 / self.RATE - (time.monotonic() - begun)))

    def keep(self, status, answer, took):
        code = re.search(rb"<code>([^<]+)</code>|<reasonCode>([^<]+)</reasonCode>", answer)
        code = (code.group(1) or code.group(2)).decode() if code else f"HTTP {status}"
        self.codes[code] = self.codes.get(code, 0) + 1
        if code == "MSG00000":
            result = re.search(rb"<result>.*</result>", answer, re.S)
            self.results.add(result.group() if result else b"no result")
        ticket = re.search(rb"<ticketCBSS>([^<]+)</ticketCBSS>", answer)
        # A fault that says that nothing could be recorded is the one answer without record.
        if ticket and code != "MSG90053":
            self.tickets.append(ticket.group(1).decode())
        self.times.append(took)

    def line(self):
        times = sorted(self.times[-2000:])
        p99 = f"{times[len(times) * 99 // 100] * 1000:.1f} ms" if times else "-"
        return f"answers {self.codes} errors {self.errors} p99 of the last 2000 {p99}"

    def figures(self):
        return {"codes": self.codes, "errors": self.errors, "tickets": len(self.tickets)}

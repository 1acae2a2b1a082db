package simulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A test against the simulator: replace ask by the client of your software. */
class GatewayTest {
    private static final String QUESTION = """
            <soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
                xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"><soapenv:Body>
              <intf:consultAttributesRequest>
                <informationCustomer>
                  <customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification>
                </informationCustomer>
                <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>
                <criteria><ssin>85073099932</ssin></criteria>
              </intf:consultAttributesRequest>
            </soapenv:Body></soapenv:Envelope>
            """;
    private static final Simulator simulator = new Simulator();
    private static HttpClient client;

    @BeforeAll
    static void start() throws Exception {
        simulator.start();
        client = HttpClient.newBuilder().sslContext(simulator.tls("fund")).build();
    }

    @AfterAll
    static void stop() {
        simulator.stop();
    }

    @BeforeEach
    void noFailures() throws Exception {
        simulator.fail("{}");
    }

    private HttpResponse<String> ask() throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(simulator.consult()).timeout(Duration.ofSeconds(10))
                .header("Content-Type", "text/xml; charset=utf-8")
                .POST(HttpRequest.BodyPublishers.ofString(QUESTION)).build(), HttpResponse.BodyHandlers.ofString());
    }

    @Test
    void anAnswer() throws Exception {
        assertTrue(ask().body().contains("<code>MSG00000</code>"));
    }

    @Test
    void first503ThenTheAnswer() throws Exception {
        simulator.fail("{\"failure\": [{\"kind\": \"http\", \"status\": 503, \"retry_after\": 1, \"times\": 1}]}");
        var refused = ask();
        assertEquals(503, refused.statusCode());
        assertEquals("1", refused.headers().firstValue("Retry-After").orElseThrow());
        assertTrue(ask().body().contains("<code>MSG00000</code>"));
    }

    @Test
    void aResetConnection() throws Exception {
        simulator.fail("{\"failure\": [{\"kind\": \"reset\"}]}");
        assertThrows(IOException.class, this::ask);
    }
}

package simulator;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;

/** The simulator of ehealth-attributes: invented people over mutual TLS, and failures when a test demands them. */
public class Simulator extends GenericContainer<Simulator> {
    private static final String IMAGE = "localhost/ehealth-attributes-simulator:0.1.0";
    private static final int TLS_PORT = 8443;
    private static final int CONTROL_PORT = 9080;
    private static final char[] NO_PASSWORD = {};
    private final HttpClient http = HttpClient.newHttpClient();

    public Simulator() {
        super(IMAGE);
        withCommand("--listen", "0.0.0.0:" + TLS_PORT, "--control", "0.0.0.0:" + CONTROL_PORT);
        withExposedPorts(TLS_PORT, CONTROL_PORT);
        withTmpFs(Map.of("/tmp", "rw"));
        waitingFor(Wait.forLogMessage(".*Press Ctrl-C.*", 1));
    }

    /** Address of consultAttributes, with the port of this machine. The server's certificate names localhost. */
    public URI consult() {
        return URI.create("https://localhost:" + getMappedPort(TLS_PORT) + "/eHealthAttributesService/v1/consult");
    }

    /** TLS of a client of the simulator, such as "fund": its certificate and key, and the simulator's authority. */
    public SSLContext tls(String client) throws IOException, InterruptedException, GeneralSecurityException {
        var certificates = CertificateFactory.getInstance("X.509");
        var chain = certificates.generateCertificates(pem("clients/" + client + ".pem")).toArray(new Certificate[0]);
        var text = file("clients/" + client + ".key").replaceAll("-----[^-]+-----|\\s", "");
        var key = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
        var identity = KeyStore.getInstance("PKCS12");
        identity.load(null, NO_PASSWORD);
        identity.setKeyEntry("client", key, NO_PASSWORD, chain);
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, NO_PASSWORD);
        trusted.setCertificateEntry("authority", certificates.generateCertificate(pem("ca.pem")));
        var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(identity, NO_PASSWORD);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    /** Replaces the failures and outages; plan is JSON, for example {"failure": [{"kind": "reset", "times": 1}]}. */
    public void fail(String plan) throws IOException, InterruptedException {
        control(HttpRequest.newBuilder(controlUri("plan")).header("Content-Type", "application/json")
                .PUT(HttpRequest.BodyPublishers.ofString(plan)).build());
    }

    /** What the simulator received, as JSON. */
    public String received() throws IOException, InterruptedException {
        return control(HttpRequest.newBuilder(controlUri("requests")).build());
    }

    private ByteArrayInputStream pem(String name) throws IOException, InterruptedException {
        return new ByteArrayInputStream(file(name).getBytes(StandardCharsets.US_ASCII));
    }

    private String file(String name) throws IOException, InterruptedException {
        return control(HttpRequest.newBuilder(controlUri("files/" + name)).build());
    }

    private URI controlUri(String path) {
        return URI.create("http://" + getHost() + ":" + getMappedPort(CONTROL_PORT) + "/v1/" + path);
    }

    private String control(HttpRequest request) throws IOException, InterruptedException {
        var answer = http.send(request, BodyHandlers.ofString());
        if (answer.statusCode() != 200) {
            throw new IOException(answer.body());
        }
        return answer.body();
    }
}

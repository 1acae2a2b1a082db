package router;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Connection settings of the environment. */
record Settings(String url, SSLContext tls, String organisation, String legalContext, Duration timeout) {
    /** Time limit to connect. */
    static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(5);

    /** Time limit of a whole answer. The service answers in milliseconds: this is longer than every queue in it. */
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

    /**
     * Reads the settings.
     *
     * @throws IllegalArgumentException if one is missing or wrong; the message names it
     */
    static Settings read(Map<String, String> environment) {
        String url = required(environment, "EHEALTH_URL");
        if (!url.matches("https://[^/\\s]+")) {
            throw new IllegalArgumentException("EHEALTH_URL is \"" + url + "\": expected scheme and authority, for "
                + "example https://localhost:8443");
        }
        var trust = trust(required(environment, "EHEALTH_CA"));
        var keys = keys(required(environment, "EHEALTH_P12"), required(environment, "EHEALTH_P12_PASSWORD"));
        return new Settings(url, tls(keys, trust), required(environment, "EHEALTH_ORGANISATION"),
            required(environment, "EHEALTH_LEGAL_CONTEXT"), timeout(environment));
    }

    private static String required(Map<String, String> environment, String name) {
        String value = environment.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException(name + " is not set");
        }
        return value;
    }

    private static Duration timeout(Map<String, String> environment) {
        String seconds = environment.getOrDefault("EHEALTH_TIMEOUT_SECONDS", "");
        if (seconds.isEmpty()) {
            return DEFAULT_TIMEOUT;
        }
        if (!seconds.matches("[0-9]{1,5}([.][0-9]{1,3})?") || Double.parseDouble(seconds) == 0) {
            throw new IllegalArgumentException("EHEALTH_TIMEOUT_SECONDS is \"" + seconds + "\": expected seconds, for "
                + "example 30");
        }
        return Duration.ofMillis(Math.round(Double.parseDouble(seconds) * 1000));
    }

    // [tls]
    /** Your client certificate and its key. */
    private static KeyManager[] keys(String file, String password) {
        try {
            KeyStore identity = KeyStore.getInstance(new File(file), password.toCharArray());
            var keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            keys.init(identity, password.toCharArray());
            return keys.getKeyManagers();
        } catch (IOException | GeneralSecurityException | IllegalArgumentException wrong) {
            throw new IllegalArgumentException("EHEALTH_P12: cannot read " + file + " with EHEALTH_P12_PASSWORD: "
                + wrong.getMessage(), wrong);
        }
    }

    /** The authority of the service, and no other. */
    private static TrustManager[] trust(String file) {
        try (var pem = new FileInputStream(file)) {
            KeyStore authorities = KeyStore.getInstance("PKCS12");
            authorities.load(null, null);
            for (var authority : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                authorities.setCertificateEntry("authority" + authorities.size(), authority);
            }
            if (authorities.size() == 0) {
                throw new IllegalArgumentException("EHEALTH_CA: " + file + " has no certificate");
            }
            var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(authorities);
            return trust.getTrustManagers();
        } catch (IOException | GeneralSecurityException wrong) {
            throw new IllegalArgumentException("EHEALTH_CA: cannot read " + file + ": " + wrong.getMessage(), wrong);
        }
    }

    private static SSLContext tls(KeyManager[] keys, TrustManager[] trust) {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(keys, trust, null);
            return context;
        } catch (GeneralSecurityException defect) {
            throw new IllegalStateException(defect);
        }
    }
    // [/tls]
}

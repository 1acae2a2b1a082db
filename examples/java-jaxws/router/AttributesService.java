package router;

import be.fgov.kszbcss.intf.ehealthattributesservice.v1.ConsultAttributesFaultMsg;
import be.fgov.kszbcss.intf.ehealthattributesservice.v1.EHealthAttributesPortType;
import be.fgov.kszbcss.intf.ehealthattributesservice.v1.EHealthAttributesServiceV1;
import be.fgov.kszbcss.types.common.v3.InformationCustomerType;
import be.fgov.kszbcss.types.common.v3.OrganizationIdentificationType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesRequestType;
import be.fgov.kszbcss.types.ehealthattributes.v1.CriteriaType;
import com.sun.xml.ws.client.ClientTransportException;
import com.sun.xml.ws.developer.JAXWSProperties;
import java.io.IOException;
import java.net.CookieHandler;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLException;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.WebServiceException;
import javax.xml.ws.soap.SOAPFaultException;

/** The service, over the reference implementation of JAX-WS 2.3. */
final class AttributesService {
    private final Settings settings;
    private final EHealthAttributesPortType port;
    private final Headers headers = new Headers();

    // [connect]
    AttributesService(Settings settings) {
        this.settings = settings;
        // The HTTP client of the JDK sends a POST twice if the connection is lost. The router decides that itself.
        System.setProperty("sun.net.http.retryPost", "false");
        CookieHandler.setDefault(headers);
        // Reads the WSDL inside client.jar: its URL demands a client certificate.
        port = new EHealthAttributesServiceV1().getEHealthAttributesServicePort();
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, settings.url() + "/eHealthAttributesService/v1/consult");
        context.put(JAXWSProperties.SSL_SOCKET_FACTORY, settings.tls().getSocketFactory());
        context.put(JAXWSProperties.CONNECT_TIMEOUT, (int) Settings.CONNECT_TIMEOUT.toMillis());
        // The time to the next bytes of the answer. The router bounds the whole answer, and stops first.
        context.put(JAXWSProperties.REQUEST_TIMEOUT, (int) settings.timeout().plusSeconds(1).toMillis());
    }
    // [/connect]

    // [call]
    /** Asks about one person. Without a day, the question is about today in Brussels. */
    ConsultAttributesReplyType ask(String ssin) throws Unanswered {
        headers.forget();
        try {
            return port.consultAttributes(request(ssin));
        } catch (ConsultAttributesFaultMsg fault) {
            // The detail of the fault has a list of messages. The first has the reason.
            String reasonCode = fault.getFaultInfo().getDetail().get(0).getReasonCode();
            throw Unanswered.fault(reasonCode, headers.retryAfter(), fault);
        } catch (SOAPFaultException fault) {
            // A fault without a detail: VersionMismatch or MustUnderstand.
            throw Unanswered.fault(fault.getFault().getFaultCodeAsName().getLocalName(), null, fault);
        } catch (WebServiceException failure) {
            throw unanswered(failure);
        }
    }
    // [/call]

    private ConsultAttributesRequestType request(String ssin) {
        var organisation = new OrganizationIdentificationType();
        organisation.setCbeNumber(settings.organisation());
        var customer = new InformationCustomerType();
        customer.setCustomerIdentification(organisation);
        var criteria = new CriteriaType();
        criteria.setSsin(ssin);
        var request = new ConsultAttributesRequestType();
        request.setInformationCustomer(customer);
        request.setLegalContext(settings.legalContext());
        request.setCriteria(criteria);
        return request;
    }

    // [failures]
    /** The causes of the exception tell what happened. */
    private Unanswered unanswered(WebServiceException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof ClientTransportException refusal && refusal.getArguments().length > 0
                && refusal.getArguments()[0] instanceof Integer status && status != 200) {
                return Unanswered.http(status, headers.retryAfter(), failure);
            } else if (cause instanceof SSLException) {
                return Unanswered.broken(failure);
            } else if (cause instanceof SocketTimeoutException) {
                // The JDK has one exception for both time limits. This is the one to connect: the router counts the
                // other itself, and stops first.
                return Unanswered.connection(failure);
            } else if (cause instanceof IOException && !headers.areThere()) {
                return Unanswered.connection(failure);
            }
        }
        return Unanswered.broken(failure);
    }

    /**
     * Keeps the headers of the last response of each thread: JAX-WS drops those of a 503, and with them Retry-After.
     * The JDK shows them to its CookieHandler, one for the process. If your process has another, leave this class out:
     * the router then waits 1 s before each retry.
     */
    private static final class Headers extends CookieHandler {
        private final ThreadLocal<Map<String, List<String>>> last = new ThreadLocal<>();

        @Override
        public Map<String, List<String>> get(URI address, Map<String, List<String>> request) {
            return Map.of();
        }

        @Override
        public void put(URI address, Map<String, List<String>> response) {
            last.set(response);
        }

        void forget() {
            last.remove();
        }

        boolean areThere() {
            return last.get() != null;
        }

        String retryAfter() {
            List<String> values = areThere() ? last.get().get("Retry-After") : null;
            return values == null || values.isEmpty() ? null : values.get(0);
        }
    }
    // [/failures]
}

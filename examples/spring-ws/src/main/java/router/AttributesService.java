package router;

import be.fgov.kszbcss.intf.ehealthattributesservice.v1.ObjectFactory;
import be.fgov.kszbcss.types.common.v3.CBSSFaultType;
import be.fgov.kszbcss.types.common.v3.InformationCustomerType;
import be.fgov.kszbcss.types.common.v3.OrganizationIdentificationType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesRequestType;
import be.fgov.kszbcss.types.ehealthattributes.v1.CriteriaType;
import jakarta.xml.bind.JAXBElement;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Iterator;
import javax.net.ssl.SSLException;
import org.springframework.oxm.jaxb.Jaxb2Marshaller;
import org.springframework.ws.WebServiceMessage;
import org.springframework.ws.client.WebServiceClientException;
import org.springframework.ws.client.core.WebServiceTemplate;
import org.springframework.ws.context.MessageContext;
import org.springframework.ws.soap.client.SoapFaultClientException;
import org.springframework.ws.soap.client.core.SoapActionCallback;
import org.springframework.ws.transport.WebServiceConnection;
import org.springframework.ws.transport.http.JdkHttpClientConnection;
import org.springframework.ws.transport.http.JdkHttpClientMessageSender;

/** The service, over Spring-WS and the HTTP client of the JDK. */
final class AttributesService {
    private static final String ACTION = "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes";

    private final Settings settings;
    private final WebServiceTemplate template;

    // [connect]
    AttributesService(Settings settings) throws Exception {
        this.settings = settings;
        // The package of the message elements; xjc lists the other packages in its ObjectFactory.
        var messages = new Jaxb2Marshaller();
        messages.setContextPath(ObjectFactory.class.getPackageName());
        messages.afterPropertiesSet();

        var client = HttpClient.newBuilder()
            .sslContext(settings.tls())
            .connectTimeout(Settings.CONNECT_TIMEOUT)
            .build();
        template = new Template(messages);
        template.setDefaultUri(settings.url() + "/eHealthAttributesService/v1/consult");
        template.setMessageSender(new Sender(client, settings.timeout()));
    }
    // [/connect]

    // [call]
    /** Asks about one person. Without a day, the question is about today in Brussels. */
    ConsultAttributesReplyType ask(String ssin) throws Unanswered {
        var request = new ObjectFactory().createConsultAttributesRequest(request(ssin));
        try {
            var response = (JAXBElement<?>) template.marshalSendAndReceive(request, new SoapActionCallback(ACTION));
            return (ConsultAttributesReplyType) response.getValue();
        } catch (WebServiceClientException failure) {
            throw unanswered(failure);
        } catch (RuntimeException unreadable) {
            // Spring-WS has no common exception for answers that it cannot read.
            throw Unanswered.broken(unreadable);
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

    /** The causes of the exception tell what happened. */
    private static Unanswered unanswered(WebServiceClientException failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof Unanswered unanswered) {
                return unanswered;
            } else if (cause instanceof HttpConnectTimeoutException) {
                return Unanswered.connection(failure);
            } else if (cause instanceof HttpTimeoutException) {
                return Unanswered.timeout(failure);
            } else if (cause instanceof SSLException) {
                return Unanswered.broken(failure);
            }
        }
        return Unanswered.connection(failure);
    }

    /** Reads what Spring-WS drops: the HTTP status, Retry-After, and the typed detail of a fault. */
    private static final class Template extends WebServiceTemplate {
        private final Jaxb2Marshaller messages;

        Template(Jaxb2Marshaller messages) {
            super(messages);
            this.messages = messages;
        }

        /** A response without a SOAP message. */
        @Override
        protected Object handleError(WebServiceConnection connection, WebServiceMessage request) throws IOException {
            var http = (Connection) connection;
            throw new IOException(Unanswered.http(http.getResponseCode(), http.retryAfter(), null));
        }

        // [fault]
        @Override
        protected Object handleFault(WebServiceConnection connection, MessageContext context) throws IOException {
            try {
                return super.handleFault(connection, context);
            } catch (SoapFaultClientException fault) {
                throw new IOException(Unanswered.fault(reason(fault), ((Connection) connection).retryAfter(), fault));
            }
        }

        /** The reason in the first message of the detail. VersionMismatch and MustUnderstand have no detail. */
        private String reason(SoapFaultClientException fault) throws IOException {
            var detail = fault.getSoapFault().getFaultDetail();
            if (detail == null) {
                return fault.getFaultCode().getLocalPart();
            }
            var entry = (JAXBElement<?>) messages.unmarshal(detail.getDetailEntries().next().getSource());
            return ((CBSSFaultType) entry.getValue()).getDetail().get(0).getReasonCode();
        }
        // [/fault]
    }

    /** Opens connections that tell status and headers. */
    private static final class Sender extends JdkHttpClientMessageSender {
        private final HttpClient client;
        private final Duration timeout;

        Sender(HttpClient client, Duration timeout) {
            super(client);
            this.client = client;
            this.timeout = timeout;
        }

        @Override
        public WebServiceConnection createConnection(URI address) {
            return new Connection(client, address, timeout);
        }
    }

    private static final class Connection extends JdkHttpClientConnection {
        /** The timeout is the time to the first byte of the answer. The router bounds the whole answer. */
        Connection(HttpClient client, URI address, Duration timeout) {
            super(client, address, timeout);
        }

        @Override
        public int getResponseCode() throws IOException {
            return super.getResponseCode();
        }

        String retryAfter() throws IOException {
            Iterator<String> values = getResponseHeaders("Retry-After");
            return values.hasNext() ? values.next() : null;
        }
    }
}

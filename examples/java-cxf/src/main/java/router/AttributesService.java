package router;

import be.fgov.kszbcss.intf.ehealthattributesservice.v1.ConsultAttributesFaultMsg;
import be.fgov.kszbcss.intf.ehealthattributesservice.v1.EHealthAttributesPortType;
import be.fgov.kszbcss.types.common.v3.InformationCustomerType;
import be.fgov.kszbcss.types.common.v3.OrganizationIdentificationType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesReplyType;
import be.fgov.kszbcss.types.ehealthattributes.v1.ConsultAttributesRequestType;
import be.fgov.kszbcss.types.ehealthattributes.v1.CriteriaType;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.WebServiceException;
import java.io.IOException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpTimeoutException;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.SSLException;
import org.apache.cxf.binding.soap.SoapFault;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.frontend.ClientProxy;
import org.apache.cxf.helpers.CastUtils;
import org.apache.cxf.interceptor.Fault;
import org.apache.cxf.jaxws.JaxWsProxyFactoryBean;
import org.apache.cxf.message.Message;
import org.apache.cxf.phase.AbstractPhaseInterceptor;
import org.apache.cxf.phase.Phase;
import org.apache.cxf.transport.http.HTTPConduit;
import org.apache.cxf.transports.http.configuration.HTTPClientPolicy;

/** The service, over Apache CXF. */
final class AttributesService {
    /** The log of CXF. It has the stack trace of each failure, which the router reports in one line. */
    private static final Logger LOG = Logger.getLogger("org.apache.cxf");

    private final Settings settings;
    private final EHealthAttributesPortType port;

    // [connect]
    /** Needs no WSDL at run time: the generated interface contains what CXF must know. */
    AttributesService(Settings settings) {
        this.settings = settings;
        LOG.setLevel(Level.SEVERE);
        var factory = new JaxWsProxyFactoryBean();
        factory.setAddress(settings.url() + "/eHealthAttributesService/v1/consult");
        port = factory.create(EHealthAttributesPortType.class);

        var tls = new TLSClientParameters();
        tls.setSslContext(settings.tls());
        var policy = new HTTPClientPolicy();
        policy.setConnectionTimeout(Settings.CONNECT_TIMEOUT.toMillis());
        // The time to the first byte of the answer. The router bounds the whole answer.
        policy.setReceiveTimeout(settings.timeout().toMillis());
        var client = ClientProxy.getClient(port);
        var conduit = (HTTPConduit) client.getConduit();
        conduit.setTlsClientParameters(tls);
        conduit.setClient(policy);
        // CXF drops the headers of a 503, and with them Retry-After. With this setting, HttpRefusals sees them.
        client.getRequestContext().put("org.apache.cxf.transport.no_io_exceptions", true);
        client.getInInterceptors().add(new HttpRefusals());
    }
    // [/connect]

    // [call]
    /** Asks about one person. Without a day, the question is about today in Brussels. */
    ConsultAttributesReplyType ask(String ssin) throws Unanswered {
        try {
            return port.consultAttributes(request(ssin));
        } catch (ConsultAttributesFaultMsg fault) {
            // The detail of the fault has a list of messages. The first has the reason.
            String reasonCode = fault.getFaultInfo().getDetail().get(0).getReasonCode();
            throw Unanswered.fault(reasonCode, retryAfter(response()), fault);
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
    /** CXF throws one exception for everything else; its causes tell what happened. */
    private Unanswered unanswered(WebServiceException failure) {
        Object status = response().get(Message.RESPONSE_CODE);
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof Unanswered unanswered) {
                return unanswered;
            } else if (cause instanceof SoapFault fault && Integer.valueOf(500).equals(status)) {
                // A fault without a detail: VersionMismatch or MustUnderstand.
                return Unanswered.fault(fault.getFaultCode().getLocalPart(), null, failure);
            } else if (cause instanceof HttpConnectTimeoutException) {
                return Unanswered.connection(failure);
            } else if (cause instanceof HttpTimeoutException) {
                return Unanswered.timeout(failure);
            } else if (cause instanceof SSLException) {
                return Unanswered.broken(failure);
            } else if (cause instanceof IOException && status == null) {
                return Unanswered.connection(failure);
            }
        }
        return Unanswered.broken(failure);
    }

    /** Properties of the last response of this thread. */
    private Map<String, Object> response() {
        return ((BindingProvider) port).getResponseContext();
    }

    private static String retryAfter(Map<String, Object> response) {
        Map<String, List<String>> headers = CastUtils.cast((Map<?, ?>) response.get(Message.PROTOCOL_HEADERS));
        List<String> values = headers == null ? null : headers.get("Retry-After");
        return values == null || values.isEmpty() ? null : values.get(0);
    }

    /** Stops responses without a SOAP message before CXF parses them. */
    private static final class HttpRefusals extends AbstractPhaseInterceptor<Message> {
        HttpRefusals() {
            super(Phase.RECEIVE);
        }

        @Override
        public void handleMessage(Message response) {
            int status = (Integer) response.get(Message.RESPONSE_CODE);
            if (status != 200 && status != 500) {
                throw new Fault(Unanswered.http(status, retryAfter(response), null));
            }
        }
    }
    // [/failures]
}

// Prints the competent prevention service of each person, with gSOAP. See ../README.md.
//
// usage: router SSIN...
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

#include "eHealthAttributesServiceHTTPBinding.nsmap"
#include "soapeHealthAttributesServiceHTTPBindingProxy.h"

namespace {

constexpr const char *consult_path = "/eHealthAttributesService/v1/consult";
constexpr int attempts = 3;
// A host that drops packets must not block a worker for the two minutes of TCP.
constexpr int connect_seconds = 5;
// The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than a user's patience.
constexpr int answer_seconds = 30;
constexpr int longest_wait_seconds = 30;
constexpr int default_wait_seconds = 1;

// Wrong arguments or settings.
struct Unusable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A fault that the same question would get again.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No answer now. Without `wait`, the router must not ask again at once.
struct Later : std::runtime_error {
    std::optional<int> wait;
    explicit Later(const std::string &what) : std::runtime_error(what) {}
    Later(const std::string &what, std::optional<int> retry_after)
        : std::runtime_error(what), wait(std::min(retry_after.value_or(default_wait_seconds), longest_wait_seconds)) {}
};

std::string required(const char *name) {
    const char *text = std::getenv(name);
    if (!text || !*text) throw Unusable(std::string(name) + " is not set");
    return text;
}

int read_answer_seconds() {
    const char *text = std::getenv("EHEALTH_TIMEOUT_SECONDS");
    if (!text || !*text) return answer_seconds;
    const int seconds = std::atoi(text);
    if (seconds < 1) throw Unusable("EHEALTH_TIMEOUT_SECONDS is no number of seconds");
    return seconds;
}

struct Settings {
    std::string url = required("EHEALTH_URL") + consult_path;
    std::string authority = required("EHEALTH_CA");
    std::string certificate = required("EHEALTH_CERTIFICATE");
    std::string key = required("EHEALTH_KEY");
    std::string organisation = required("EHEALTH_ORGANISATION");
    std::string legal_context = required("EHEALTH_LEGAL_CONTEXT");
    int seconds = read_answer_seconds();
};

// gSOAP drops the header fields of a response: this keeps `Retry-After` of the last one.
struct Headers {
    int (*parse)(struct soap *, const char *, const char *) = nullptr;
    std::optional<int> retry_after;
};

int parse_header(struct soap *soap, const char *key, const char *value) {
    auto *headers = static_cast<Headers *>(soap->user);
    // The service sends seconds, never a date.
    if (!soap_tag_cmp(key, "Retry-After") && *value >= '0' && *value <= '9') headers->retry_after = std::atoi(value);
    return headers->parse(soap, key, value);
}

class Attributes {
public:
    explicit Attributes(Settings settings) : settings_(std::move(settings)), soap_(make()) {
        headers_.parse = soap_->fparsehdr;
        soap_->fparsehdr = parse_header;
        soap_->user = &headers_;
    }

    // The reply about one person, after at most three attempts. It is valid until the next question.
    const attr__ConsultAttributesReplyType &ask(const std::string &ssin) {
        for (int attempt = 1;; ++attempt) {
            try {
                return ask_once(ssin);
            } catch (const Later &later) {
                if (!later.wait || attempt == attempts) throw;
                std::this_thread::sleep_for(std::chrono::seconds(*later.wait));
            }
        }
    }

private:
    struct End {
        void operator()(struct soap *soap) const {
            soap_destroy(soap);
            soap_end(soap);
            soap_free(soap);
        }
    };

    std::unique_ptr<struct soap, End> make() const {
        // Strict: an answer that violates the schema is an error.
        const soap_mode mode = SOAP_XML_STRICT | SOAP_IO_KEEPALIVE;
        std::unique_ptr<struct soap, End> soap(soap_new2(mode, mode));
        soap->connect_timeout = connect_seconds;
        // The first limit is that of each read and write, the second that of the whole answer.
        soap->recv_timeout = soap->send_timeout = soap->transfer_timeout = settings_.seconds;
        const char *authority = settings_.authority.c_str();
        if (soap_ssl_client_context(soap.get(), SOAP_SSL_DEFAULT, nullptr, nullptr, authority, nullptr, nullptr))
            throw Unusable("EHEALTH_CA cannot be read");
        // gSOAP takes certificate and key in one file; OpenSSL takes two.
        if (SSL_CTX_use_certificate_chain_file(soap->ctx, settings_.certificate.c_str()) != 1)
            throw Unusable("EHEALTH_CERTIFICATE cannot be read");
        if (SSL_CTX_use_PrivateKey_file(soap->ctx, settings_.key.c_str(), SSL_FILETYPE_PEM) != 1)
            throw Unusable("EHEALTH_KEY cannot be read, or is not the key of EHEALTH_CERTIFICATE");
        return soap;
    }

    // [call]
    const attr__ConsultAttributesReplyType &ask_once(const std::string &ssin) {
        // Frees the reply before this one.
        soap_destroy(soap_.get());
        soap_end(soap_.get());
        headers_.retry_after.reset();
        common__OrganizationIdentificationType organisation;
        organisation.cbeNumber = &settings_.organisation;
        common__InformationCustomerType customer;
        customer.customerIdentification = &organisation;
        // Without a date, the question is about today in Brussels. A date is a std::string here, YYYY-MM-DD.
        attr__CriteriaType criteria;
        criteria.ssin = ssin;
        attr__ConsultAttributesRequestType request;
        request.informationCustomer = &customer;
        request.legalContext = settings_.legal_context;
        request.criteria = &criteria;
        auto *reply = soap_new_attr__ConsultAttributesReplyType(soap_.get());
        eHealthAttributesServiceHTTPBindingProxy service(soap_.get());
        const auto began = std::chrono::steady_clock::now();
        if (service.consultAttributes(settings_.url.c_str(), nullptr, &request, *reply) == SOAP_OK) return *reply;
        fail(std::chrono::steady_clock::now() - began);
    }

    // Throws what the error of gSOAP means for the same question.
    [[noreturn]] void fail(std::chrono::steady_clock::duration time) const {
        const auto *fault = soap_->fault;
        const int error = soap_->error;
        // HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail.
        if (fault && fault->detail && fault->detail->intf__consultAttributesFault) {
            const std::string code = fault->detail->intf__consultAttributesFault->detail.at(0)->reasonCode;
            const bool is_service = code == "MSG90053" || code == "MSG00003";
            if (is_service || (code == "MSG90052" && headers_.retry_after)) throw Later(code, headers_.retry_after);
            throw Refused(code);
        }
        if (error == 429 || error == 503) throw Later("http " + std::to_string(error), headers_.retry_after);
        if (error >= 300 && error < 600) throw Refused("http " + std::to_string(error));
        // The question may have been answered and recorded. Asking again is safe, but gives a second record.
        if (error == SOAP_EOF && time >= std::chrono::seconds(settings_.seconds)) throw Later("timeout");
        // Refused, or lost before the first byte of an answer.
        if (error == SOAP_TCP_ERROR || error == SOAP_EOF) throw Later("connection", std::nullopt);
        if (error == SOAP_FAULT && fault && fault->faultcode) throw Refused(fault->faultcode);
        // A wrong certificate, or an answer that is not of this contract.
        soap_print_fault(soap_.get(), stderr);
        throw Later("connection");
    }
    // [/call]

    Settings settings_;
    Headers headers_;
    std::unique_ptr<struct soap, End> soap_;
};

// [route]
// Value of a named fact of the status, or an empty text.
std::string information(const attr__ConsultAttributesReplyType &reply, const std::string &name) {
    for (const auto *fact : reply.status->information)
        if (fact->fieldName == name && fact->fieldValue) return *fact->fieldValue;
    return "";
}

// Whether the answer would show an internal service if there was one.
bool knows_internal_services(const attr__ConsultAttributesReplyType &reply) {
    if (reply.status->code != "HAN20200") return true;
    if (!reply.sources) return false;
    // A source has text and an attribute: the text is `__item`.
    return std::any_of(reply.sources->source.begin(), reply.sources->source.end(), [](const attr__SourceType *source) {
        return source->name == attr__SourceNameType__federated
            && (source->__item == attr__SourceStatusType__DATA_USCOREFOUND
                || source->__item == attr__SourceStatusType__NO_USCOREDATA_USCOREFOUND);
    });
}

// The competent service of an employment; null if it is not known.
const attr__PreventionServiceType *competent(const attr__EmploymentType &employment, bool is_complete) {
    for (const auto *service : employment.preventionService)
        if (service->type && *service->type == attr__PreventionServiceTypeCode__INTERNAL) return service;
    const bool is_external = is_complete && !employment.preventionService.empty();
    return is_external ? employment.preventionService.front() : nullptr;
}

std::string service_line(const attr__PreventionServiceType &service) {
    const bool is_internal = service.type && *service.type == attr__PreventionServiceTypeCode__INTERNAL;
    // A grant may leave fields out.
    return "service\t" + (service.cbeNumber ? *service.cbeNumber : "") + (is_internal ? "\tINTERNAL\t" : "\tEXTERNAL\t")
        + (service.affiliation ? service.affiliation->beginDate : "");
}

// The lines about one person, without the SSIN.
std::vector<std::string> lines(Attributes &attributes, const std::string &ssin) {
    try {
        const auto *reply = &attributes.ask(ssin);
        if (reply->status->code == "MSG00006") {
            // The number was replaced. Keep the new one: your next question should use it.
            const std::string replacement = information(*reply, "newSSIN");
            if (!replacement.empty()) reply = &attributes.ask(replacement);
        }
        const std::string none = "none\t" + reply->status->code;
        if (!reply->result || reply->result->employment.empty()) return {none};
        std::vector<std::string> lines;
        // Newest first: the service sorts them.
        for (const auto *employment : reply->result->employment) {
            const auto *service = competent(*employment, knows_internal_services(*reply));
            lines.push_back(service ? service_line(*service) : none);
        }
        return lines;
    } catch (const Refused &refused) {
        return {std::string("refused\t") + refused.what()};
    } catch (const Later &later) {
        return {std::string("later\t") + later.what()};
    }
}
// [/route]

}  // namespace

int main(int count, char **arguments) {
    try {
        if (count < 2) throw Unusable("give one or more SSINs as arguments");
        soap_ssl_init();
        // Writing to a connection that the service has reset is an error of the call, not the end of the program.
        std::signal(SIGPIPE, SIG_IGN);
        Attributes attributes{Settings()};
        for (int i = 1; i < count; ++i)
            for (const auto &line : lines(attributes, arguments[i])) std::cout << arguments[i] << '\t' << line << std::endl;
    } catch (const Unusable &unusable) {
        std::cerr << "router: " << unusable.what() << "\n";
        return 2;
    }
}

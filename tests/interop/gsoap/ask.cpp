// Asks the questions of standard input with the classes that wsdl2h and soapcpp2 generate; see
// ../steps.sh. Strict: an answer that violates the schema is an error.
#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "eHealthAttributesServiceHTTPBinding.nsmap"
#include "soapTestConnectionServiceServiceHTTPBindingProxy.h"
#include "soapeHealthAttributesServiceHTTPBindingProxy.h"

static std::string variable(const char *name) {
    const char *text = std::getenv(name);
    return text ? text : "";
}

static struct soap *open_soap(const std::string &word) {
    struct soap *soap = soap_new2(SOAP_XML_STRICT | SOAP_IO_KEEPALIVE, SOAP_XML_STRICT | SOAP_IO_KEEPALIVE);
    const std::string identity = variable("INTEROP_IDENTITIES") + "/" + word + ".both";
    if (soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, identity.c_str(), nullptr, variable("INTEROP_CA").c_str(), nullptr,
                                nullptr)) {
        soap_print_fault(soap, stderr);
        std::exit(1);
    }
    return soap;
}

static std::string days(const common__OpenPeriodType &period) {
    return "[" + period.beginDate + ".." + (period.endDate ? *period.endDate : "") + "]";
}

static std::string disclosed(const attr__ConsultAttributesReplyType &reply) {
    if (!reply.result) return "";
    bool service_filtered = false;
    if (reply.dataFilters)
        for (const auto &element : reply.dataFilters->filteredElement)
            service_filtered |= element == "employment/preventionService/cbeNumber";
    std::vector<std::string> parts;
    for (const auto *employment : reply.result->employment) {
        std::string text = employment->employer ? employment->employer->cbeNumber : "";
        if (employment->period) text += days(*employment->period);
        if (!service_filtered) {
            std::string services;
            for (const auto *service : employment->preventionService) {
                const bool internal = *service->type == attr__PreventionServiceTypeCode__INTERNAL;
                services += (services.empty() ? "" : ", ") + std::string(internal ? "INTERNAL " : "EXTERNAL ");
                services += *service->cbeNumber + days(*service->affiliation);
            }
            text += "{" + services + "}";
        }
        parts.push_back(text);
    }
    if (reply.result->healthInsuranceFund) parts.push_back("fund " + reply.result->healthInsuranceFund->cbeNumber);
    std::string all;
    for (const auto &part : parts) all += (all.empty() ? "" : "; ") + part;
    return all;
}

static std::string person(const attr__ConsultAttributesReplyType &reply) {
    if (reply.ssin && reply.ssin->replacedBy) return reply.ssin->__item + ">" + *reply.ssin->replacedBy;
    return reply.result && reply.result->ssin ? *reply.result->ssin : "";
}

static std::string sources(struct soap *soap, const attr__ConsultAttributesReplyType &reply) {
    std::string all;
    if (reply.sources)
        for (const auto *source : reply.sources->source) {
            all += (all.empty() ? "" : ", ") + std::string(soap_attr__SourceNameType2s(soap, source->name));
            all += std::string(" ") + soap_attr__SourceStatusType2s(soap, source->__item);
        }
    return all;
}

int main() {
    const std::string consult_url = variable("INTEROP_URL") + "/eHealthAttributesService/v1/consult";
    const std::string test_url = variable("INTEROP_URL") + "/TestConnectionServiceService/sendTestMessage";
    soap_ssl_init();
    std::map<std::string, struct soap *> callers;
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream fields(line);
        std::string name, word, number, context, ssin, begin, end;
        fields >> name >> word >> number >> context >> ssin >> begin >> end;
        if (!callers.count(word)) callers[word] = open_soap(word);
        struct soap *soap = callers[word];
        if (context == "-") {
            TestConnectionServiceServiceHTTPBindingProxy service(soap);
            test__SendTestMessageRequestType request;
            test__SendTestMessageResponseType reply;
            request.echo = name;
            if (service.sendTestMessage(test_url.c_str(), nullptr, &request, reply)) {
                service.soap_stream_fault(std::cerr);
                return 1;
            }
            std::cout << name << "\tECHO\t" << reply.echo << "\t\t\n";
            continue;
        }
        eHealthAttributesServiceHTTPBindingProxy service(soap);
        common__OrganizationIdentificationType organisation;
        organisation.cbeNumber = &number;
        common__InformationCustomerType customer;
        customer.ticket = &name;
        customer.customerIdentification = &organisation;
        attr__CriteriaType criteria;
        criteria.ssin = ssin;
        common__PeriodType period;
        if (end != "-") {
            period.beginDate = begin;
            period.endDate = end;
            criteria.__union_CriteriaType = SOAP_UNION__attr__union_CriteriaType_period;
            criteria.union_CriteriaType.period = &period;
        } else if (begin != "-") {
            criteria.__union_CriteriaType = SOAP_UNION__attr__union_CriteriaType_referenceDate;
            criteria.union_CriteriaType.referenceDate = &begin;
        }
        attr__ConsultAttributesRequestType request;
        request.informationCustomer = &customer;
        request.legalContext = context;
        request.criteria = &criteria;
        attr__ConsultAttributesReplyType reply;
        if (service.consultAttributes(consult_url.c_str(), nullptr, &request, reply) == SOAP_OK) {
            std::cout << name << "\t" << reply.status->code << "\t" << disclosed(reply) << "\t" << person(reply) << "\t"
                      << sources(soap, reply) << "\n";
        } else if (soap->fault && soap->fault->detail && soap->fault->detail->intf__consultAttributesFault) {
            const auto *fault = soap->fault->detail->intf__consultAttributesFault;
            std::cout << name << "\t" << fault->detail.at(0)->reasonCode << "\t\t\t\n";
        } else {
            service.soap_stream_fault(std::cerr);
            return 1;
        }
    }
    return 0;
}

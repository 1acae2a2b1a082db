// The service contract and its messages, as dotnet-svcutil writes them, by hand and complete. One difference: a date is
// text here. A DateTime has a kind, and conversion to another time zone changes the day.
using System.Collections.Generic;
using System.ServiceModel;
using System.Threading.Tasks;
using System.Xml.Schema;
using System.Xml.Serialization;

namespace EHealthAttributes
{
    internal static class Names
    {
        public const string Interface = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1";
        public const string Attributes = "http://kszbcss.fgov.be/types/eHealthAttributes/v1";
        public const string Common = "http://kszbcss.fgov.be/types/common/v3";
        public const string EndUser = "urn:ehealth-attributes:end-user:v1";
        public const string Action = "http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes";
    }

    [ServiceContract(Namespace = Names.Interface)]
    public interface IAttributes
    {
        // Any ReplyAction: a response without WS-Addressing has none.
        [OperationContract(Action = Names.Action, ReplyAction = "*")]
        [FaultContract(typeof(CBSSFaultType), Action = Names.Action, Name = "consultAttributesFault", Namespace = Names.Interface)]
        // Without SupportFaults, the detail of a fault is read by another serialiser, and is empty.
        [XmlSerializerFormat(SupportFaults = true)]
        Task<ConsultAttributesAnswer> ConsultAttributesAsync(ConsultAttributesQuestion question);
    }

    // Not wrapped: the body has the one element of the contract.
    [MessageContract(IsWrapped = false)]
    public class ConsultAttributesQuestion
    {
        // Some legal contexts demand the end user. Null leaves the header block out.
        [MessageHeader(Name = "endUser", Namespace = Names.EndUser, MustUnderstand = true)]
        public EndUserType EndUser;

        [MessageBodyMember(Name = "consultAttributesRequest", Namespace = Names.Interface, Order = 0)]
        public ConsultAttributesRequestType Request;
    }

    [MessageContract(IsWrapped = false)]
    public class ConsultAttributesAnswer
    {
        [MessageBodyMember(Name = "consultAttributesResponse", Namespace = Names.Interface, Order = 0)]
        public ConsultAttributesReplyType Reply;
    }

    [XmlType(Namespace = Names.EndUser)]
    public class EndUserType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string id;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string quality;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string consentReference;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class ConsultAttributesRequestType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public InformationCustomerType informationCustomer;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public InformationCBSSType informationCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string legalContext;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 3)] public CriteriaType criteria;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class ConsultAttributesReplyType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public InformationCustomerType informationCustomer;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public InformationCBSSType informationCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string legalContext;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 3)] public CriteriaType criteria;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 4)] public GlobalStatusType status;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 5)] public AnnotatedSsinType ssin;

        [XmlArray(Form = XmlSchemaForm.Unqualified, Order = 6)]
        [XmlArrayItem("filteredElement", Form = XmlSchemaForm.Unqualified)]
        public List<string> dataFilters;

        [XmlArray(Form = XmlSchemaForm.Unqualified, Order = 7)]
        [XmlArrayItem("source", Form = XmlSchemaForm.Unqualified)]
        public List<SourceType> sources;

        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 8)] public ResultType result;
    }

    [XmlType(Namespace = Names.Common)]
    public class InformationCustomerType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string ticket;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string timestampSent;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public OrganizationIdentificationType customerIdentification;
    }

    // cbeNumber, or sector and institution.
    [XmlType(Namespace = Names.Common)]
    public class OrganizationIdentificationType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string cbeNumber;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string sector;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string institution;
    }

    [XmlType(Namespace = Names.Common)]
    public class InformationCBSSType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string ticketCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string timestampReceive;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string timestampReply;
    }

    // At most one of referenceDate and period.
    [XmlType(Namespace = Names.Attributes)]
    public class CriteriaType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string ssin;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string referenceDate;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public PeriodType period;
    }

    // Both days are included. In an answer, endDate may be null: the period is open.
    [XmlType(Namespace = Names.Common)]
    public class PeriodType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string beginDate;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string endDate;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class GlobalStatusType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string value;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string code;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string description;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 3)] public List<InformationType> information;
    }

    [XmlType(Namespace = Names.Common)]
    public class InformationType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string fieldName;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string fieldValue;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class AnnotatedSsinType
    {
        [XmlText] public string Value;
        [XmlAttribute] public string replacedBy;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class SourceType
    {
        [XmlText] public string Value;
        [XmlAttribute] public string name;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class ResultType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string ssin;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public List<EmploymentType> employment;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public EnterpriseType healthInsuranceFund;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class EmploymentType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public EnterpriseType employer;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public PeriodType period;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public List<PreventionServiceType> preventionService;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class EnterpriseType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string cbeNumber;
    }

    [XmlType(Namespace = Names.Attributes)]
    public class PreventionServiceType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string cbeNumber;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string type;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public PeriodType affiliation;
    }

    [XmlType(Namespace = Names.Common)]
    [XmlRoot("consultAttributesFault", Namespace = Names.Interface)]
    public class CBSSFaultType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public InformationCustomerType informationCustomer;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public InformationCBSSType informationCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public List<MessageType> detail;
    }

    [XmlType(Namespace = Names.Common)]
    public class MessageType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string severity;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string reasonCode;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string diagnostic;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 3)] public string authorCode;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 4)] public List<InformationType> information;
    }

    // The client of the contract.
    public class AttributesClient : ClientBase<IAttributes>, IAttributes
    {
        public AttributesClient(System.ServiceModel.Channels.Binding binding, EndpointAddress address) : base(binding, address) { }

        public Task<ConsultAttributesAnswer> ConsultAttributesAsync(ConsultAttributesQuestion question) =>
            Channel.ConsultAttributesAsync(question);
    }
}

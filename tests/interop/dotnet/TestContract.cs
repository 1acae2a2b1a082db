// TestConnectionService, as dotnet-svcutil writes it, by hand; the classes of the other service are those of
// examples/dotnet/Contract.cs.
using System.ServiceModel;
using System.Threading.Tasks;
using System.Xml.Schema;
using System.Xml.Serialization;

namespace EHealthAttributes
{
    internal static class TestNames
    {
        public const string Interface = "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1";
        public const string Types = "http://kszbcss.fgov.be/types/TestConnectionService/v1";
        public const string Action = "http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage";
    }

    [ServiceContract(Namespace = TestNames.Interface)]
    public interface ITestConnection
    {
        [OperationContract(Action = TestNames.Action, ReplyAction = "*")]
        [XmlSerializerFormat]
        Task<TestAnswer> SendTestMessageAsync(TestQuestion question);
    }

    [MessageContract(IsWrapped = false)]
    public class TestQuestion
    {
        [MessageBodyMember(Name = "sendTestMessageRequest", Namespace = TestNames.Interface, Order = 0)]
        public SendTestMessageRequestType Request;
    }

    [MessageContract(IsWrapped = false)]
    public class TestAnswer
    {
        [MessageBodyMember(Name = "sendTestMessageResponse", Namespace = TestNames.Interface, Order = 0)]
        public SendTestMessageResponseType Reply;
    }

    [XmlType(Namespace = TestNames.Types)]
    public class SendTestMessageRequestType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string echo;
    }

    [XmlType(Namespace = TestNames.Types)]
    public class SendTestMessageResponseType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public TestInformationCBSSType informationCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string echo;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string sslCertificate;
    }

    [XmlType("InformationCBSSType", Namespace = TestNames.Types)]
    public class TestInformationCBSSType
    {
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 0)] public string ticketCBSS;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 1)] public string timestampReceive;
        [XmlElement(Form = XmlSchemaForm.Unqualified, Order = 2)] public string timestampReply;
    }

    public class TestConnectionClient : ClientBase<ITestConnection>, ITestConnection
    {
        public TestConnectionClient(System.ServiceModel.Channels.Binding binding, EndpointAddress address) : base(binding, address) { }

        public Task<TestAnswer> SendTestMessageAsync(TestQuestion question) => Channel.SendTestMessageAsync(question);
    }
}

// Package ehealthattributes is a client of eHealthAttributesService and TestConnectionService, with the standard
// library alone. Go has no generator for WSDL that handles this contract: the types are written by hand, and a test
// reads every stored answer of the service with them.
//
// Prefixes of request types are literal names ("intf:consultAttributesRequest"), because encoding/xml has no
// prefixes: with a namespace in the tag it would write xmlns="…", and the children, which have no namespace in this
// contract, would inherit it.
package ehealthattributes

import "encoding/xml"

// Namespaces of the messages. Elements inside a message have none.
const (
	nsSoap = "http://schemas.xmlsoap.org/soap/envelope/"
	nsIntf = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"
	nsTest = "http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1"
	nsUser = "urn:ehealth-attributes:end-user:v1"
)

// Date is a day, YYYY-MM-DD. It is text: a time.Time has a zone, and conversion to another one changes the day.
type Date string

// ConsultRequest is a question about one person.
type ConsultRequest struct {
	InformationCustomer InformationCustomer `xml:"informationCustomer"`
	LegalContext        string              `xml:"legalContext"`
	Criteria            Criteria            `xml:"criteria"`
}

// InformationCustomer is what the caller says about itself and its message. The answer returns it.
type InformationCustomer struct {
	// Ticket is the caller's reference, at most 36 characters.
	Ticket *string `xml:"ticket"`
	// TimestampSent is an xs:dateTime.
	TimestampSent          *string      `xml:"timestampSent"`
	CustomerIdentification Organisation `xml:"customerIdentification"`
}

// Organisation has an enterprise number, or the pair of sector and institution.
type Organisation struct {
	CBENumber   string  `xml:"cbeNumber,omitempty"`
	Sector      *string `xml:"sector"`
	Institution *string `xml:"institution"`
}

// Criteria has the person, and at most one of ReferenceDate and Period. Without a day, the question is about today
// in Brussels.
type Criteria struct {
	SSIN          string  `xml:"ssin"`
	ReferenceDate *Date   `xml:"referenceDate"`
	Period        *Period `xml:"period"`
}

// Period has both days included. An open period has no EndDate; in a request, EndDate is required.
type Period struct {
	BeginDate Date  `xml:"beginDate"`
	EndDate   *Date `xml:"endDate"`
}

// EndUser is the person at the caller who asks. Some legal contexts demand it.
type EndUser struct {
	// ID is of the caller's choice, the same for all questions of one person.
	ID string `xml:"id"`
	// Quality is the capacity of the person, for example ADVISORY_PHYSICIAN.
	Quality string `xml:"quality"`
	// ConsentReference is a reference to a consent, never the consent itself.
	ConsentReference *string `xml:"consentReference"`
}

// ConsultResponse is the answer to a question that was understood, whatever its outcome.
type ConsultResponse struct {
	InformationCustomer InformationCustomer `xml:"informationCustomer"`
	InformationCBSS     InformationCBSS     `xml:"informationCBSS"`
	LegalContext        string              `xml:"legalContext"`
	// Criteria is nil with MSG00008, MSG00011 and MSG00013.
	Criteria *Criteria `xml:"criteria"`
	Status   Status    `xml:"status"`
	// SSIN is the number of the question, where it was replaced and the service answers all the same.
	SSIN *AnnotatedSSIN `xml:"ssin"`
	// DataFilters names the elements that the grant leaves out: their absence says nothing.
	DataFilters []string `xml:"dataFilters>filteredElement"`
	Sources     []Source `xml:"sources>source"`
	// Result is nil unless data were found.
	Result *Result `xml:"result"`
}

// InformationCBSS is what the service says about the message. Log TicketCBSS: an operator asks for it.
type InformationCBSS struct {
	TicketCBSS       string `xml:"ticketCBSS"`
	TimestampReceive string `xml:"timestampReceive"`
	TimestampReply   string `xml:"timestampReply"`
}

// Status is the outcome. Act on Code.
type Status struct {
	// Value is DATA_FOUND, NO_DATA_FOUND, INCOMPLETE_DATA or NO_RESULT.
	Value       string        `xml:"value"`
	Code        string        `xml:"code"`
	Description *string       `xml:"description"`
	Information []Information `xml:"information"`
}

// Information is a named fact of a status or a fault.
type Information struct {
	FieldName  string  `xml:"fieldName"`
	FieldValue *string `xml:"fieldValue"`
}

// AnnotatedSSIN is the number of the question, and the number that replaced it.
type AnnotatedSSIN struct {
	SSIN       string `xml:",chardata"`
	ReplacedBy string `xml:"replacedBy,attr,omitempty"`
}

// Source is a dataset and its status.
type Source struct {
	// Name is dimona, coprev, federated or insurance.
	Name string `xml:"name,attr"`
	// Status is DATA_FOUND, NO_DATA_FOUND, NO_RESULT or TECHNICAL_ERROR. Only NO_DATA_FOUND means that there is
	// nothing.
	Status string `xml:",chardata"`
}

// Result has the nine fields. A field that the grant leaves out is absent.
type Result struct {
	SSIN string `xml:"ssin,omitempty"`
	// Employment is sorted: newest begin first, then by enterprise number.
	Employment          []Employment `xml:"employment"`
	HealthInsuranceFund *Enterprise  `xml:"healthInsuranceFund"`
}

// Employment is the uninterrupted work for one employer.
type Employment struct {
	Employer *Enterprise `xml:"employer"`
	Period   *Period     `xml:"period"`
	// PreventionService is sorted: internal before external, newest first.
	PreventionService []PreventionService `xml:"preventionService"`
}

// Enterprise has an enterprise number.
type Enterprise struct {
	CBENumber string `xml:"cbeNumber"`
}

// PreventionService is a service for prevention and protection at work.
type PreventionService struct {
	CBENumber string `xml:"cbeNumber,omitempty"`
	// Type is INTERNAL or EXTERNAL.
	Type        string  `xml:"type,omitempty"`
	Affiliation *Period `xml:"affiliation"`
}

// TestResponse is the answer of TestConnectionService.
type TestResponse struct {
	InformationCBSS *InformationCBSS `xml:"informationCBSS"`
	Echo            string           `xml:"echo"`
	// SSLCertificate is the subject of the client certificate.
	SSLCertificate string `xml:"sslCertificate"`
}

// FaultDetail is the content of a fault's detail (CBSSFaultType).
type FaultDetail struct {
	InformationCustomer *InformationCustomer `xml:"informationCustomer"`
	InformationCBSS     InformationCBSS      `xml:"informationCBSS"`
	// Detail has at least one message. Its name is that of the element around it: SOAP has one `detail`, and
	// KSZ's type has another.
	Detail []Message `xml:"detail"`
}

// Message is one reason of a fault.
type Message struct {
	// Severity is INFORMATION, WARNING or FATAL.
	Severity    string        `xml:"severity"`
	ReasonCode  string        `xml:"reasonCode"`
	Diagnostic  string        `xml:"diagnostic"`
	AuthorCode  string        `xml:"authorCode"`
	Information []Information `xml:"information"`
}

// Fact returns the value of a named fact of the status, or "".
func (s Status) Fact(name string) string {
	for _, information := range s.Information {
		if information.FieldName == name && information.FieldValue != nil {
			return *information.FieldValue
		}
	}
	return ""
}

// requestEnvelope is what is sent. Nil fields are left out.
type requestEnvelope struct {
	XMLName xml.Name       `xml:"soap:Envelope"`
	Soap    string         `xml:"xmlns:soap,attr"`
	Header  *requestHeader `xml:"soap:Header"`
	Body    requestBody    `xml:"soap:Body"`
}

type requestHeader struct {
	EndUser endUserBlock `xml:"user:endUser"`
}

// endUserBlock has mustUnderstand: a service that does not know the block then refuses the question.
type endUserBlock struct {
	User           string `xml:"xmlns:user,attr"`
	MustUnderstand string `xml:"soap:mustUnderstand,attr"`
	EndUser
}

type requestBody struct {
	Consult *consultElement `xml:"intf:consultAttributesRequest"`
	Test    *testElement    `xml:"test:sendTestMessageRequest"`
}

type consultElement struct {
	Intf string `xml:"xmlns:intf,attr"`
	ConsultRequest
}

type testElement struct {
	Test string `xml:"xmlns:test,attr"`
	Echo string `xml:"echo"`
}

// responseEnvelope is what is received: one of its three messages. Prefixes do not matter here.
type responseEnvelope struct {
	XMLName xml.Name     `xml:"http://schemas.xmlsoap.org/soap/envelope/ Envelope"`
	Body    responseBody `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
}

type responseBody struct {
	Consult *ConsultResponse `xml:"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1 consultAttributesResponse"`
	Test    *TestResponse    `xml:"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1 sendTestMessageResponse"`
	Fault   *soapFault       `xml:"http://schemas.xmlsoap.org/soap/envelope/ Fault"`
}

// soapFault has children without a namespace (SOAP 1.1, section 4.4).
type soapFault struct {
	Code   string      `xml:"faultcode"`
	String string      `xml:"faultstring"`
	Detail *faultEntry `xml:"detail"`
}

type faultEntry struct {
	Consult *FaultDetail `xml:"http://kszbcss.fgov.be/intf/eHealthAttributesService/v1 consultAttributesFault"`
	Test    *FaultDetail `xml:"http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1 sendTestMessageFault"`
}

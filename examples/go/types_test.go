package ehealthattributes

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stored are the answers and requests of the service's own tests.
func stored(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("../../fixtures/requests", pattern))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, name := range names {
		if files[name], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// leaves lists the paths, attributes and texts of the elements below an element with this local name.
func leaves(t *testing.T, document []byte, root string) []string {
	t.Helper()
	var path, found []string
	var text string
	decoder := xml.NewDecoder(strings.NewReader(string(document)))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			text = ""
			if len(path) > 0 || token.Name.Local == root {
				path = append(path, token.Name.Local)
			}
			for _, attribute := range token.Attr {
				if len(path) > 1 && attribute.Name.Space != "xmlns" {
					found = append(found, strings.Join(path, "/")+"@"+attribute.Name.Local+"="+attribute.Value)
				}
			}
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if len(path) > 0 {
				if strings.TrimSpace(text) != "" {
					found = append(found, strings.Join(path, "/")+"="+text)
				}
				path, text = path[:len(path)-1], ""
			}
		}
	}
}

// same fails if a message that was read and written again has other leaves.
func same(t *testing.T, name string, original []byte, root string, read any) int {
	t.Helper()
	written, err := xml.Marshal(struct {
		XMLName xml.Name
		Content any
	}{xml.Name{Local: "whole"}, wrapped{xml.Name{Local: root}, read}})
	if err != nil {
		t.Fatal(err)
	}
	expected, got := leaves(t, original, root), leaves(t, written, root)
	if !slices.Equal(expected, got) {
		t.Errorf("%s: expected\n%s\ngot\n%s", name, strings.Join(expected, "\n"), strings.Join(got, "\n"))
	}
	return len(expected)
}

// wrapped writes a value as an element with this name.
type wrapped struct {
	name  xml.Name
	value any
}

func (w wrapped) MarshalXML(encoder *xml.Encoder, _ xml.StartElement) error {
	return encoder.EncodeElement(w.value, xml.StartElement{Name: w.name})
}

func TestEveryStoredAnswerIsReadWhole(t *testing.T) {
	replies, tests, faults, bare, texts := 0, 0, 0, 0, 0
	for name, answer := range stored(t, "*/*.answer.xml") {
		body, err := parse(answer, 0)
		var fault *Fault
		switch {
		case errors.As(err, &fault) && fault.Detail == nil:
			// VersionMismatch and MustUnderstand have no detail.
			bare++
			if fault.ReasonCode() != "" || fault.String == "" {
				t.Errorf("%s: %v", name, fault)
			}
		case errors.As(err, &fault):
			root := "consultAttributesFault"
			if strings.Contains(string(answer), "sendTestMessageFault") {
				root = "sendTestMessageFault"
			}
			faults++
			texts += same(t, name, answer, root, fault.Detail)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case body.Consult != nil:
			replies++
			texts += same(t, name, answer, "consultAttributesResponse", body.Consult)
		case body.Test != nil:
			tests++
			texts += same(t, name, answer, "sendTestMessageResponse", body.Test)
		default:
			t.Errorf("%s: no message", name)
		}
	}
	t.Logf("%d responses, %d test responses, %d faults, %d without detail, %d texts", replies, tests, faults, bare, texts)
	if replies < 100 || tests < 3 || faults < 100 || bare < 3 {
		t.Error("answers are missing")
	}
}

func TestTheNineFieldsAreWhereTheyBelong(t *testing.T) {
	answer, err := os.ReadFile("../../fixtures/requests/catalogue/replaced-annotated.answer.xml")
	if err != nil {
		t.Fatal(err)
	}
	body, err := parse(answer, 0)
	if err != nil {
		t.Fatal(err)
	}
	reply := body.Consult
	if reply.SSIN == nil || reply.SSIN.SSIN != "75221199912" || reply.SSIN.ReplacedBy != "75021199966" {
		t.Errorf("ssin: %+v", reply.SSIN)
	}
	employment := reply.Result.Employment[0]
	service := employment.PreventionService[0]
	for _, field := range [][2]string{
		{employment.Employer.CBENumber, "0999100196"},
		{string(employment.Period.BeginDate), "2018-04-01"},
		{service.CBENumber, "0999020123"},
		{service.Type, "EXTERNAL"},
		{string(service.Affiliation.BeginDate), "2012-01-01"},
		{reply.Result.HealthInsuranceFund.CBENumber, "0999010126"},
		{reply.Sources[2].Name, "federated"},
		{reply.Sources[2].Status, "NO_DATA_FOUND"},
	} {
		if field[0] != field[1] {
			t.Errorf("expected %s, got %s", field[1], field[0])
		}
	}
	if employment.Period.EndDate != nil || service.Affiliation.EndDate != nil {
		t.Error("an open period has an end")
	}
}

func TestARequestHasTheContractsNamespaces(t *testing.T) {
	consent := "C-2026-17"
	day := Date("2026-01-15")
	envelope := requestEnvelope{
		Soap:   nsSoap,
		Header: &requestHeader{endUserBlock{nsUser, "1", EndUser{"a<b", "ADVISORY_PHYSICIAN", &consent}}},
		Body: requestBody{Consult: &consultElement{nsIntf, ConsultRequest{
			InformationCustomer: InformationCustomer{CustomerIdentification: Organisation{CBENumber: "0999010126"}},
			LegalContext:        "BACKTOWORK:ADVISORY_PHYSICIAN",
			Criteria:            Criteria{SSIN: "85073099932", ReferenceDate: &day},
		}}},
	}
	written, err := xml.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	expected := `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>` +
		`<user:endUser xmlns:user="urn:ehealth-attributes:end-user:v1" soap:mustUnderstand="1"><id>a&lt;b</id>` +
		`<quality>ADVISORY_PHYSICIAN</quality><consentReference>C-2026-17</consentReference></user:endUser></soap:Header>` +
		`<soap:Body><intf:consultAttributesRequest xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1">` +
		`<informationCustomer><customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification>` +
		`</informationCustomer><legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext><criteria><ssin>85073099932</ssin>` +
		`<referenceDate>2026-01-15</referenceDate></criteria></intf:consultAttributesRequest></soap:Body></soap:Envelope>`
	if string(written) != expected {
		t.Errorf("expected\n%s\ngot\n%s", expected, written)
	}
}

func TestHostileAnswersAreErrors(t *testing.T) {
	for _, text := range []string{
		"", "busy", "<html><body>Bad gateway</body></html>", `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`,
		`<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body/></Envelope>`,
	} {
		if body, err := parse([]byte(text), 0); err == nil {
			t.Errorf("%q was read as %+v", text, body)
		}
	}
}

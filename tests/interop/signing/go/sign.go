// Signs a request with goxmldsig and etree, and sends it; see ../steps.sh.
package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	soapNS    = "http://schemas.xmlsoap.org/soap/envelope/"
	intfNS    = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"
	oasis     = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
	secextNS  = oasis + "-wssecurity-secext-1.0.xsd"
	utilityNS = oasis + "-wssecurity-utility-1.0.xsd"
	x509v3    = oasis + "-x509-token-profile-1.0#X509v3"
	base64Of  = oasis + "-soap-message-security-1.0#Base64Binary"
	dsNS      = "http://www.w3.org/2000/09/xmldsig#"
	exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#"
	sha256URI = "http://www.w3.org/2001/04/xmlenc#sha256"
	action    = `"http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes"`
	dateTime  = "2006-01-02T15:04:05Z"
)

// question is what the request asks.
type question struct{ cbe, ssin, legalContext string }

// add appends an element with text and with attributes: names and values in turn.
func add(parent *etree.Element, tag, text string, attributes ...string) *etree.Element {
	element := parent.CreateElement(tag)
	if text != "" {
		element.SetText(text)
	}
	for i := 0; i < len(attributes); i += 2 {
		element.CreateAttr(attributes[i], attributes[i+1])
	}
	return element
}

// identifier is random: with fixed ones, two equal requests in one second have one signature, which is a replay.
func identifier() string {
	octets := make([]byte, 16)
	rand.Read(octets)
	return "id-" + hex.EncodeToString(octets)
}

// [canonical]
// canonical is the exclusive canonical form of an element, in the document in which it is sent.
func canonical(element *etree.Element) ([]byte, error) {
	context, err := etreeutils.NSBuildParentContext(element)
	if err != nil {
		return nil, err
	}
	// A copy with the declarations of its ancestors: Canonicalize does not look at these, and changes its argument.
	detached, err := etreeutils.NSDetatch(context, element)
	if err != nil {
		return nil, err
	}
	return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
}

// rawECDSA is an ECDSA signature as r and s of equal length, from DER.
func rawECDSA(der []byte, size int) ([]byte, error) {
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return nil, err
	}
	return append(pair.R.FillBytes(make([]byte, size)), pair.S.FillBytes(make([]byte, size))...), nil
}

// [/canonical]

// unsigned is the envelope with Body, token and Timestamp, the elements that are signed.
func unsigned(asked question, certificate []byte, now time.Time) (security *etree.Element, parts []*etree.Element) {
	document := etree.NewDocument()
	envelope := document.CreateElement("soap:Envelope")
	for prefix, namespace := range map[string]string{
		"soap": soapNS, "intf": intfNS, "wsse": secextNS, "wsu": utilityNS, "ds": dsNS,
	} {
		envelope.CreateAttr("xmlns:"+prefix, namespace)
	}
	envelope.SortAttrs()
	security = add(add(envelope, "soap:Header", ""), "wsse:Security", "", "soap:mustUnderstand", "1")
	token := add(security, "wsse:BinarySecurityToken", base64.StdEncoding.EncodeToString(certificate),
		"wsu:Id", identifier(), "ValueType", x509v3, "EncodingType", base64Of)
	timestamp := add(security, "wsu:Timestamp", "", "wsu:Id", identifier())
	add(timestamp, "wsu:Created", now.UTC().Format(dateTime))
	add(timestamp, "wsu:Expires", now.UTC().Add(5*time.Minute).Format(dateTime))
	body := add(envelope, "soap:Body", "", "wsu:Id", identifier())
	request := add(body, "intf:consultAttributesRequest", "")
	add(add(add(request, "informationCustomer", ""), "customerIdentification", ""), "cbeNumber", asked.cbe)
	add(request, "legalContext", asked.legalContext)
	add(add(request, "criteria", ""), "ssin", asked.ssin)
	return security, []*etree.Element{body, timestamp, token}
}

// signed is the request; the caller must send these bytes unchanged.
func signed(asked question, identity tls.Certificate, now time.Time) ([]byte, error) {
	signer, ok := identity.PrivateKey.(crypto.Signer)
	if !ok {
		return nil, errors.New("the key cannot sign")
	}
	context, err := dsig.NewSigningContext(signer, identity.Certificate)
	if err != nil {
		return nil, err
	}
	// [sign]
	security, parts := unsigned(asked, identity.Certificate[0], now)
	signature := add(security, "ds:Signature", "")
	info := add(signature, "ds:SignedInfo", "")
	add(info, "ds:CanonicalizationMethod", "", "Algorithm", exclusive)
	// SHA-256 is the default of the context, for RSA and ECDSA.
	add(info, "ds:SignatureMethod", "", "Algorithm", context.GetSignatureMethodIdentifier())
	for _, part := range parts {
		octets, err := canonical(part)
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(octets)
		reference := add(info, "ds:Reference", "", "URI", "#"+part.SelectAttrValue("wsu:Id", ""))
		add(add(reference, "ds:Transforms", ""), "ds:Transform", "", "Algorithm", exclusive)
		add(reference, "ds:DigestMethod", "", "Algorithm", sha256URI)
		add(reference, "ds:DigestValue", base64.StdEncoding.EncodeToString(digest[:]))
	}
	octets, err := canonical(info)
	if err != nil {
		return nil, err
	}
	value, err := context.SignString(string(octets))
	if key, isECDSA := signer.Public().(*ecdsa.PublicKey); err == nil && isECDSA {
		value, err = rawECDSA(value, (key.Params().BitSize+7)/8)
	}
	if err != nil {
		return nil, err
	}
	// [/sign]
	add(signature, "ds:SignatureValue", base64.StdEncoding.EncodeToString(value))
	direct := add(add(signature, "ds:KeyInfo", ""), "wsse:SecurityTokenReference", "")
	add(direct, "wsse:Reference", "", "URI", "#"+parts[2].SelectAttrValue("wsu:Id", ""), "ValueType", x509v3)
	document := etree.NewDocumentWithRoot(security.Parent().Parent())
	return document.WriteToBytes() // without Indent: white space in a signed element breaks the signature
}

// send posts the message, and returns the code of the answer.
func send(message []byte) (string, bool, error) {
	pem, err := os.ReadFile(os.Getenv("SIGNING_CA"))
	if err != nil {
		return "", false, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	identity, err := tls.LoadX509KeyPair(os.Getenv("SIGNING_CERT"), os.Getenv("SIGNING_KEY"))
	if err != nil {
		return "", false, err
	}
	config := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{identity}}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}, Timeout: 30 * time.Second}
	request, err := http.NewRequest(http.MethodPost, os.Getenv("SIGNING_URL"), bytes.NewReader(message))
	if err != nil {
		return "", false, err
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("SOAPAction", action)
	response, err := client.Do(request)
	if err != nil {
		return "", false, err
	}
	defer response.Body.Close()
	answer := etree.NewDocument()
	if _, err := answer.ReadFrom(io.LimitReader(response.Body, 8<<20)); err != nil {
		return "", false, err
	}
	if code := answer.FindElement("//status/code"); code != nil {
		return code.Text(), false, nil
	}
	text := answer.FindElement("//faultstring")
	if text == nil {
		return "", false, fmt.Errorf("HTTP %d without a SOAP message", response.StatusCode)
	}
	reason := "-"
	if code := answer.FindElement("//reasonCode"); code != nil {
		reason = code.Text()
	}
	return text.Text() + " " + reason, true, nil
}

func run() (bool, error) {
	identity, err := tls.LoadX509KeyPair(os.Getenv("SIGNING_SIGN_CERT"), os.Getenv("SIGNING_SIGN_KEY"))
	if err != nil {
		return false, err
	}
	now := time.Now()
	if text := os.Getenv("NOW"); text != "" {
		if now, err = time.Parse(time.RFC3339, text); err != nil {
			return false, err
		}
	}
	asked := question{os.Getenv("CBE"), os.Getenv("SSIN"), os.Getenv("LEGAL_CONTEXT")}
	message, err := signed(asked, identity, now)
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(os.Getenv("SIGNING_OUT"), message, 0o600); err != nil || os.Getenv("SIGNING_URL") == "-" {
		return false, err
	}
	line, isFault, err := send(message)
	if err == nil {
		fmt.Println(line)
	}
	return isFault, err
}

func main() {
	isFault, err := run()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case isFault:
		os.Exit(3)
	}
}

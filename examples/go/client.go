package ehealthattributes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	consultPath   = "/eHealthAttributesService/v1/consult"
	consultAction = `"http://kszbcss.fgov.be/eHealthAttributesService/consultAttributes"`
	testPath      = "/TestConnectionServiceService/sendTestMessage"
	testAction    = `"http://kszbcss.fgov.be/TestConnectionServiceService/sendTestMessage"`
	// connectTimeout ends attempts to reach a host that drops packets.
	connectTimeout = 5 * time.Second
	// largestAnswer bounds the memory of one answer. Real answers have a few KiB.
	largestAnswer = 8 << 20
)

// Client asks one service with one client certificate. It is safe for concurrent use, and keeps connections open.
type Client struct {
	http *http.Client
	url  string
}

// New makes a client for a scheme and authority, such as https://localhost:8443.
func New(url string, config *tls.Config) *Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		TLSClientConfig:       config,
		IdleConnTimeout:       30 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	refuse := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	// No Timeout here: each call has a context with a deadline, which covers the whole answer.
	return &Client{http: &http.Client{Transport: transport, CheckRedirect: refuse}, url: strings.TrimRight(url, "/")}
}

// LoadTLS reads PEM files: the authority of the server, and certificate and key of the client.
func LoadTLS(authority, certificate, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s has no certificate in PEM", authority)
	}
	identity, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", certificate, key, err)
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12}, nil
}

// Fault is a SOAP fault: the question was not answered.
type Fault struct {
	// Code is a QName, such as soap:Client.
	Code, String string
	// Detail is nil if the fault has no detail: VersionMismatch and MustUnderstand.
	Detail *FaultDetail
	// RetryAfter is zero if the response has no such header.
	RetryAfter time.Duration
}

// ReasonCode is the code to act on, or "" without a detail.
func (f *Fault) ReasonCode() string {
	if f.Detail == nil || len(f.Detail.Detail) == 0 {
		return ""
	}
	return f.Detail.Detail[0].ReasonCode
}

func (f *Fault) Error() string {
	return strings.TrimSpace(f.ReasonCode() + " " + f.String)
}

// HTTPError is a refusal below SOAP: plain text with another status than 200 and 500.
type HTTPError struct {
	Status     int
	Text       string
	RetryAfter time.Duration
}

func (e *HTTPError) Error() string {
	return fmt.Sprintf("HTTP %d: %s", e.Status, strings.TrimSpace(e.Text))
}

// ErrNoAnswer means that the connection failed before the first byte of an answer.
var ErrNoAnswer = errors.New("no answer")

// Consult asks about one person. endUser may be nil.
//
// Errors: a *Fault, an *HTTPError, ErrNoAnswer, or the error of the context.
func (c *Client) Consult(ctx context.Context, question ConsultRequest, endUser *EndUser) (*ConsultResponse, error) {
	envelope := requestEnvelope{Soap: nsSoap, Body: requestBody{Consult: &consultElement{nsIntf, question}}}
	if endUser != nil {
		envelope.Header = &requestHeader{endUserBlock{nsUser, "1", *endUser}}
	}
	body, err := c.call(ctx, consultPath, consultAction, envelope)
	if err != nil {
		return nil, err
	}
	if body.Consult == nil {
		return nil, errors.New("the answer is no consultAttributesResponse")
	}
	return body.Consult, nil
}

// Test sends a text, which comes back with the subject of the client certificate.
func (c *Client) Test(ctx context.Context, echo string) (*TestResponse, error) {
	envelope := requestEnvelope{Soap: nsSoap, Body: requestBody{Test: &testElement{nsTest, echo}}}
	body, err := c.call(ctx, testPath, testAction, envelope)
	if err != nil {
		return nil, err
	}
	if body.Test == nil {
		return nil, errors.New("the answer is no sendTestMessageResponse")
	}
	return body.Test, nil
}

func (c *Client) call(ctx context.Context, path, action string, envelope requestEnvelope) (*responseBody, error) {
	message, err := xml.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+path, bytes.NewReader(message))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "text/xml; charset=utf-8")
	request.Header.Set("SOAPAction", action)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, noAnswer(ctx, err)
	}
	defer response.Body.Close()
	// Read to the end, so that the connection can be used again.
	text, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err != nil {
		return nil, err
	}
	wait := retryAfter(response)
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusInternalServerError {
		return nil, &HTTPError{response.StatusCode, string(text), wait}
	}
	return parse(text, wait)
}

// noAnswer tells a time limit and a wrong certificate from a connection that failed.
func noAnswer(ctx context.Context, err error) error {
	var verification *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &verification), errors.As(err, &alert):
		return err
	}
	return fmt.Errorf("%w: %w", ErrNoAnswer, err)
}

// parse reads an envelope with a response or a fault.
func parse(text []byte, wait time.Duration) (*responseBody, error) {
	var envelope responseEnvelope
	if err := xml.Unmarshal(text, &envelope); err != nil {
		return nil, fmt.Errorf("the answer is no SOAP envelope: %w", err)
	}
	fault := envelope.Body.Fault
	if fault == nil {
		return &envelope.Body, nil
	}
	result := &Fault{Code: fault.Code, String: fault.String, RetryAfter: wait}
	if fault.Detail != nil {
		result.Detail = fault.Detail.Consult
		if result.Detail == nil {
			result.Detail = fault.Detail.Test
		}
	}
	return nil, result
}

// retryAfter reads Retry-After, in which the service sends seconds.
func retryAfter(response *http.Response) time.Duration {
	seconds, err := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 16)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

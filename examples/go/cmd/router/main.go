// Command router prints the competent prevention service of each person. See ../../../README.md.
//
//	usage: router SSIN...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	attributes "example.org/ehealthattributes"
)

const (
	attempts = 3
	// The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than a user's patience.
	defaultTimeout = 30 * time.Second
	defaultWait    = time.Second
	longestWait    = 30 * time.Second
)

type settings struct {
	client       *attributes.Client
	organisation string
	legalContext string
	timeout      time.Duration
}

func readSettings() (*settings, error) {
	values := make(map[string]string)
	for _, name := range []string{
		"EHEALTH_URL", "EHEALTH_CA", "EHEALTH_CERTIFICATE", "EHEALTH_KEY", "EHEALTH_ORGANISATION", "EHEALTH_LEGAL_CONTEXT",
	} {
		if values[name] = os.Getenv(name); values[name] == "" {
			return nil, fmt.Errorf("%s is not set", name)
		}
	}
	timeout := defaultTimeout
	if text := os.Getenv("EHEALTH_TIMEOUT_SECONDS"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		if err != nil || seconds <= 0 {
			return nil, fmt.Errorf("EHEALTH_TIMEOUT_SECONDS is %q, not a number of seconds", text)
		}
		timeout = time.Duration(seconds * float64(time.Second))
	}
	config, err := attributes.LoadTLS(values["EHEALTH_CA"], values["EHEALTH_CERTIFICATE"], values["EHEALTH_KEY"])
	if err != nil {
		return nil, err
	}
	client := attributes.New(values["EHEALTH_URL"], config)
	return &settings{client, values["EHEALTH_ORGANISATION"], values["EHEALTH_LEGAL_CONTEXT"], timeout}, nil
}

// outcome of an attempt without an answer.
type outcome struct {
	// class is "refused" or "later"; code is what follows it on the line.
	class, code string
	// wait is zero if the router must not ask again.
	wait time.Duration
}

func later(code string, retryAfter time.Duration) outcome {
	if retryAfter == 0 {
		retryAfter = defaultWait
	}
	return outcome{"later", code, min(retryAfter, longestWait)}
}

// [retry]
// classify says what an error means for the same question.
func classify(err error) outcome {
	var fault *attributes.Fault
	var refusal *attributes.HTTPError
	switch {
	case errors.As(err, &fault):
		code := fault.ReasonCode()
		isQuota := code == "MSG90052" && fault.RetryAfter > 0
		// Faults of the service itself: the question was not answered.
		if code == "MSG90053" || code == "MSG00003" || isQuota {
			return later(code, fault.RetryAfter)
		}
		if code == "" {
			code = fault.Code
		}
		return outcome{class: "refused", code: code}
	case errors.As(err, &refusal):
		code := "http " + strconv.Itoa(refusal.Status)
		if refusal.Status == 503 || refusal.Status == 429 {
			return later(code, refusal.RetryAfter)
		}
		return outcome{class: "refused", code: code}
	case errors.Is(err, context.DeadlineExceeded):
		// The question may have been answered and recorded. Asking again is safe, but gives a second record.
		return outcome{class: "later", code: "timeout"}
	case errors.Is(err, attributes.ErrNoAnswer):
		return later("connection", 0)
	}
	// A wrong certificate on one of the two sides, or an answer that broke off.
	return outcome{class: "later", code: "connection"}
}

// [/retry]

// [call]
func (s *settings) askOnce(ssin string) (*attributes.ConsultResponse, error) {
	// The deadline covers connection, TLS, request and the whole answer.
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	return s.client.Consult(ctx, attributes.ConsultRequest{
		InformationCustomer: attributes.InformationCustomer{
			CustomerIdentification: attributes.Organisation{CBENumber: s.organisation},
		},
		LegalContext: s.legalContext,
		// Without a day, the question is about today in Brussels.
		Criteria: attributes.Criteria{SSIN: ssin},
	}, nil)
}

// [/call]

// ask returns the answer, or the outcome of the last attempt.
func (s *settings) ask(ssin string) (*attributes.ConsultResponse, *outcome) {
	for attempt := 1; ; attempt++ {
		reply, err := s.askOnce(ssin)
		if err == nil {
			return reply, nil
		}
		failed := classify(err)
		if failed.class == "later" {
			fmt.Fprintf(os.Stderr, "attempt %d: %v\n", attempt, err)
		}
		if failed.wait == 0 || attempt == attempts {
			return nil, &failed
		}
		time.Sleep(failed.wait)
	}
}

// [route]
// knowsInternalServices says whether the answer would show an internal service if there was one.
func knowsInternalServices(reply *attributes.ConsultResponse) bool {
	return reply.Status.Code != "HAN20200" || slices.ContainsFunc(reply.Sources, func(s attributes.Source) bool {
		return s.Name == "federated" && (s.Status == "DATA_FOUND" || s.Status == "NO_DATA_FOUND")
	})
}

// competent returns the competent service of an employment, or nil if it is not known.
func competent(employment attributes.Employment, isComplete bool) *attributes.PreventionService {
	services := employment.PreventionService
	internal := slices.IndexFunc(services, func(s attributes.PreventionService) bool { return s.Type == "INTERNAL" })
	switch {
	case internal >= 0:
		return &services[internal]
	case isComplete && len(services) > 0:
		return &services[0]
	}
	return nil
}

// lines about one person: the fields after the SSIN.
func (s *settings) lines(ssin string) [][]string {
	reply, failed := s.ask(ssin)
	if failed == nil && reply.Status.Code == "MSG00006" {
		if replacement := reply.Status.Fact("newSSIN"); replacement != "" {
			// The number was replaced. Keep the new one: your next question should use it.
			reply, failed = s.ask(replacement)
		}
	}
	switch {
	case failed != nil:
		return [][]string{{failed.class, failed.code}}
	case reply.Result == nil || len(reply.Result.Employment) == 0:
		return [][]string{{"none", reply.Status.Code}}
	}
	var lines [][]string
	// Newest first: the service sorts them.
	for _, employment := range reply.Result.Employment {
		line := []string{"none", reply.Status.Code}
		if service := competent(employment, knowsInternalServices(reply)); service != nil {
			line = []string{"service", service.CBENumber, service.Type, beginOf(service)}
		}
		lines = append(lines, line)
	}
	return lines
}

// [/route]

// beginOf is empty if the grant leaves the period out.
func beginOf(service *attributes.PreventionService) string {
	if service.Affiliation == nil {
		return ""
	}
	return string(service.Affiliation.BeginDate)
}

func main() {
	settings, err := readSettings()
	if err == nil && len(os.Args) < 2 {
		err = errors.New("give one or more SSINs as arguments")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "router:", err)
		os.Exit(2)
	}
	for _, ssin := range os.Args[1:] {
		for _, line := range settings.lines(ssin) {
			fmt.Println(ssin + "\t" + strings.Join(line, "\t"))
		}
	}
}

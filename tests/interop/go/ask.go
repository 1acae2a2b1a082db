// Asks the questions of standard input with the package of examples/go; see ../steps.sh.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	attributes "example.org/ehealthattributes"
)

func open(word string) (*attributes.Client, error) {
	clients := os.Getenv("INTEROP_CLIENTS") + "/" + word
	config, err := attributes.LoadTLS(os.Getenv("INTEROP_CA"), clients+".pem", clients+".key")
	if err != nil {
		return nil, err
	}
	return attributes.New(os.Getenv("INTEROP_URL"), config), nil
}

func period(p *attributes.Period) string {
	if p == nil {
		return ""
	}
	end := ""
	if p.EndDate != nil {
		end = string(*p.EndDate)
	}
	return fmt.Sprintf("[%s..%s]", p.BeginDate, end)
}

func disclosed(reply *attributes.ConsultResponse) string {
	if reply.Result == nil {
		return ""
	}
	isFiltered := slices.Contains(reply.DataFilters, "employment/preventionService/cbeNumber")
	var parts []string
	for _, employment := range reply.Result.Employment {
		text := period(employment.Period)
		if employment.Employer != nil {
			text = employment.Employer.CBENumber + text
		}
		if !isFiltered {
			var services []string
			for _, s := range employment.PreventionService {
				services = append(services, s.Type+" "+s.CBENumber+period(s.Affiliation))
			}
			text += "{" + strings.Join(services, ", ") + "}"
		}
		parts = append(parts, text)
	}
	if fund := reply.Result.HealthInsuranceFund; fund != nil {
		parts = append(parts, "fund "+fund.CBENumber)
	}
	return strings.Join(parts, "; ")
}

func person(reply *attributes.ConsultResponse) string {
	switch {
	case reply.SSIN != nil && reply.SSIN.ReplacedBy != "":
		return reply.SSIN.SSIN + ">" + reply.SSIN.ReplacedBy
	case reply.Result != nil:
		return reply.Result.SSIN
	}
	return ""
}

func sources(reply *attributes.ConsultResponse) string {
	var texts []string
	for _, source := range reply.Sources {
		texts = append(texts, source.Name+" "+source.Status)
	}
	return strings.Join(texts, ", ")
}

func consult(ctx context.Context, client *attributes.Client, fields []string) ([]string, error) {
	name, number, legalContext := fields[0], fields[2], fields[3]
	begin, end := attributes.Date(fields[5]), attributes.Date(fields[6])
	criteria := attributes.Criteria{SSIN: fields[4]}
	switch {
	case end != "-":
		criteria.Period = &attributes.Period{BeginDate: begin, EndDate: &end}
	case begin != "-":
		criteria.ReferenceDate = &begin
	}
	reply, err := client.Consult(ctx, attributes.ConsultRequest{
		InformationCustomer: attributes.InformationCustomer{
			Ticket:                 &name,
			CustomerIdentification: attributes.Organisation{CBENumber: number},
		},
		LegalContext: legalContext,
		Criteria:     criteria,
	}, nil)
	var fault *attributes.Fault
	if errors.As(err, &fault) {
		return []string{name, fault.ReasonCode(), "", "", ""}, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{name, reply.Status.Code, disclosed(reply), person(reply), sources(reply)}, nil
}

func answerAll() error {
	clients := make(map[string]*attributes.Client)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		fields := strings.Split(input.Text(), "\t")
		word := fields[1]
		if clients[word] == nil {
			client, err := open(word)
			if err != nil {
				return err
			}
			clients[word] = client
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		line := []string{fields[0], "ECHO", "", "", ""}
		var err error
		if fields[3] == "-" {
			var reply *attributes.TestResponse
			if reply, err = clients[word].Test(ctx, fields[0]); err == nil {
				line[2] = reply.Echo
			}
		} else {
			line, err = consult(ctx, clients[word], fields)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", fields[0], err)
		}
		fmt.Println(strings.Join(line, "\t"))
	}
	return input.Err()
}

func main() {
	fmt.Printf("VERSION\tGo %s, encoding/xml\n", strings.TrimPrefix(runtime.Version(), "go"))
	if err := answerAll(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

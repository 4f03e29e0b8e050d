package edgefunctions

import (
	"fmt"
	"math"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const atEdge = "arn:aws:lambda:us-east-1:123456789012:function:headers:7"

func page(next string, items string) collecttest.Answer {
	if next != "" {
		next = "<NextMarker>" + next + "</NextMarker>"
	}
	return collecttest.Body(`<DistributionList xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Marker></Marker>` + next + `<MaxItems>100</MaxItems><IsTruncated>false</IsTruncated><Quantity>1</Quantity><Items>` + items + `</Items></DistributionList>`)
}

func behavior(element, path, functions string) string {
	return "<" + element + ">" + path + `<TargetOriginId>o</TargetOriginId>` + functions + "</" + element + ">"
}

func lambdaAt(event, arn string) string {
	return `<LambdaFunctionAssociations><Quantity>1</Quantity><Items><LambdaFunctionAssociation><LambdaFunctionARN>` + arn + `</LambdaFunctionARN><EventType>` + event + `</EventType><IncludeBody>true</IncludeBody></LambdaFunctionAssociation></Items></LambdaFunctionAssociations>`
}

// first runs a Lambda function on one path, and a CloudFront function on all others.
func first() string {
	return `<DistributionSummary><Id>E1</Id><ARN>arn:aws:cloudfront::123456789012:distribution/E1</ARN><Status>Deployed</Status><LastModifiedTime>2026-01-02T03:04:05.678Z</LastModifiedTime><DomainName>d1.cloudfront.net</DomainName>` +
		`<Aliases><Quantity>1</Quantity><Items><CNAME>www.example.com</CNAME></Items></Aliases>` +
		behavior("DefaultCacheBehavior", "", `<FunctionAssociations><Quantity>1</Quantity><Items><FunctionAssociation><FunctionARN>arn:aws:cloudfront::123456789012:function/rewrite</FunctionARN><EventType>viewer-request</EventType></FunctionAssociation></Items></FunctionAssociations>`) +
		`<CacheBehaviors><Quantity>1</Quantity><Items>` + behavior("CacheBehavior", "<PathPattern>/api/*</PathPattern>", lambdaAt("origin-request", atEdge)) + `</Items></CacheBehaviors>` +
		`<PriceClass>PriceClass_200</PriceClass><Enabled>true</Enabled></DistributionSummary>`
}

const second = `<DistributionSummary><Id>E2</Id><Status>InProgress</Status><DomainName>d2.cloudfront.net</DomainName><Enabled>false</Enabled></DistributionSummary>`

// account answers for two distributions on two pages, and a copy in one region.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		listDistributions: collecttest.Select(map[string]collecttest.Answer{"Marker=n": page("", second)}, page("n", first())),
		listReplicas: collecttest.Select(map[string]collecttest.Answer{
			"lambda.us-east-1.": collecttest.Body(`{"Functions":[{"FunctionName":"headers","FunctionArn":"` + atEdge + `","Version":"7"}]}`),
			"lambda.sa-east-1.": collecttest.Body(`{"Functions":[{"FunctionName":"us-east-1.headers","FunctionArn":"arn:aws:lambda:sa-east-1:123456789012:function:us-east-1.headers:7","Version":"7","MasterArn":"` + atEdge + `","MemorySize":128,"Timeout":5}]}`),
		}, collecttest.Body(`{"Functions":[]}`)),
	})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Validate([]*collect.Collector{Collector}, relations); err != nil {
		t.Error(err)
	}
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 5}).Calls, 730.0/24*28; math.Abs(got-want) > 1e-6 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	wire := account()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	f.Golden(t, "account")
	if n := wire.Calls(listReplicas); n != len(edgeRegions) {
		t.Errorf("%d regions were asked", n)
	}
}

func TestDegradation(t *testing.T) {
	t.Parallel()
	both := []string{"edge_functions/", "edge_replicas/"}
	oneRegion := func(r *http.Request, body string) collecttest.Response {
		if r.URL.Host == "lambda.eu-west-2.amazonaws.com" {
			return collecttest.Deny(listReplicas)(r, body)
		}
		return account().Answer(listReplicas)(r, body)
	}
	for _, tt := range []struct {
		name, action      string
		answer            collecttest.Answer
		rows              int
		gaps, completions []string
	}{
		{"distributions are denied", listDistributions, nil, 0, []string{"edge_functions/ denied"}, []string{"edge_replicas/"}},
		{"the listing goes in circles", listDistributions, page("n", first()), 4, []string{"edge_functions/ failed"}, []string{"edge_replicas/"}},
		{"malformed", listDistributions, collecttest.Body("<Distr"), 0, []string{"edge_functions/ failed"}, []string{"edge_replicas/"}},
		{"no id", listDistributions, page("", "<DistributionSummary/>"), 0, []string{"edge_functions/ failed"}, both[1:]},
		{"a function without an ARN", listDistributions, page("", `<DistributionSummary><Id>E3</Id>`+behavior("DefaultCacheBehavior", "", lambdaAt("viewer-request", "x"))+`</DistributionSummary>`), 0, []string{"edge_functions/ failed"}, both[1:]},
		{"nothing at the edge", listDistributions, page("", second), 0, nil, both},
		{"copies are denied", listReplicas, nil, 2, []string{"edge_replicas/ denied"}, both[:1]},
		{"copies are denied in a region", listReplicas, oneRegion, 2, []string{"edge_replicas/ arn:…:eu-west-2 denied"}, both[:1]},
		{"a copy of nothing", listReplicas, collecttest.Select(map[string]collecttest.Answer{
			"lambda.us-west-1.": collecttest.Body(`{"Functions":[{"MasterArn":"x"}]}`),
		}, collecttest.Body(`{}`)), 2, []string{"edge_replicas/ arn:…:us-west-1 failed"}, both[:1]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account().On(tt.action, tt.answer)})
			f.Collect(t)
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.completions, f.CompletionList()); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
			if n := len(collecttest.Rows[schema.EdgeFunction](f.Sink)); n != tt.rows {
				t.Errorf("%d rows, want %d", n, tt.rows)
			}
		})
	}
}

func TestOtherPartitionsAreNotAsked(t *testing.T) {
	t.Parallel()
	wire := account()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Partition: "aws-cn", Region: "cn-north-1"})
	f.Collect(t)
	if n := wire.Calls(listDistributions) + wire.Calls(listReplicas); n != 0 || len(f.CompletionList()) != 1 || len(f.GapList()) != 1 {
		t.Errorf("%d calls, completions %v, gaps %v", n, f.CompletionList(), f.GapList())
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1"})
	f.Collect(t)
	f.NotThrottled(t)
	want, got := map[string]bool{}, map[string]bool{}
	for _, d := range account.World.Distributions {
		for _, b := range d.Behaviors {
			for _, a := range b.Functions {
				want[fmt.Sprint(d.ID, d.Domain, d.Aliases, d.PriceClass, d.Enabled, b.Path, a.EventType, a.ARN, a.IncludeBody)] = true
			}
		}
	}
	for _, e := range collecttest.Rows[schema.EdgeFunction](f.Sink) {
		arn := e.FunctionARN
		if e.Kind == "lambda" {
			arn += ":" + e.Version
		}
		got[fmt.Sprint(e.DistributionID, e.DomainName, e.Aliases, e.PriceClass, e.Enabled, e.PathPattern, e.EventType, arn, e.IncludeBody)] = true
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 3 || len(f.GapList()) > 0 {
		t.Errorf("(-want +got):\n%s gaps %v", diff, f.GapList())
	}
	copies := 0
	for _, region := range account.World.Regions {
		copies += len(region.Replicas)
		for _, row := range collecttest.Rows[schema.EdgeReplica](f.Sink) {
			if row.ReplicaRegion == region.Name && row.FunctionARN+":"+row.Version != region.Replicas[0].MasterARN {
				t.Errorf("copy %+v", row)
			}
		}
	}
	if n := len(collecttest.Rows[schema.EdgeReplica](f.Sink)); n != copies || n == 0 {
		t.Errorf("%d copies, want %d", n, copies)
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	for action, gap := range map[string]string{listDistributions: "edge_functions/ denied", listReplicas: "edge_replicas/ denied"} {
		account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
		f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1"})
		f.Collect(t)
		if diff := cmp.Diff([]string{gap}, f.GapList()); diff != "" {
			t.Errorf("%s:\n%s", action, diff)
		}
	}
}

// A recorded account's distributions are read as they were.
func TestRecorded(t *testing.T) {
	t.Parallel()
	f := collecttest.Replay(t, "../../internal/awssim/testdata/recorded/edge").Run(t, Collector, collecttest.Options{Account: "644160558196", Region: "us-east-1"})
	f.Collect(t)
	f.Golden(t, "recorded")
}

// Package needlessvpc finds functions that are attached to a VPC in which
// nothing needs them, and the NAT gateways and endpoints that are paid for it.
package needlessvpc

import (
	"context"
	_ "embed"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

//go:embed doc.md
var doc string

//go:embed query.sql
var query string

// Analyzer finds needless VPC attachments.
var Analyzer = &analysis.Analyzer{
	Name:        "needlessvpc",
	Title:       "functions attached to a VPC in which nothing needs them",
	Doc:         doc,
	Stage:       analysis.IAMNetwork,
	Category:    analysis.Cost,
	Severity:    analysis.Medium,
	Remediation: "Detach the function from its VPC, after checking that nobody admits the NAT gateway's address.",
	Query:       query,
	Params: []analysis.Param{
		{
			Name: "private_domains", Kind: analysis.List, InGo: true,
			Default: []string{"internal", "local", "lan", "corp", "intranet", "private"},
			Doc:     "labels of a host name that mark it as one of a private network",
		},
		{
			Name: "data_ports", Kind: analysis.List, InGo: true,
			Default: []string{"1433", "1521", "2049", "3306", "3389", "5432", "5439", "6379", "6380", "8111", "8182", "9092", "9094", "9096", "9098", "9200", "11211", "27017", "27018"},
			Doc:     "TCP ports of databases, caches, brokers and file systems: an egress rule for one of them alone is a need",
		},
		{
			Name: "exemptions", Kind: analysis.Object, Default: []any{}, InGo: true, Check: analysis.CheckExemptions,
			Doc: `attachments that a policy demands: a list of {"resource": ARN, function name, VPC id or account, "reason", "owner", "until": last day, "2027-01-31"}`,
		},
	},
	Reads: []string{
		"functions_current", "tags_current", "security_groups_current", "security_group_rules_current", "network_interfaces_current",
		"subnets_current", "routes_current", "nat_gateways_current", "vpc_endpoints_current", "role_statements_current",
		"metrics_hourly", "metric_reads_current", "prices_current",
	},
	Run: run,
}

// function is a row of query.sql.
type function struct {
	Account          string   `ch:"account"`
	Region           string   `ch:"region"`
	ARN              string   `ch:"function_arn"`
	Name             string   `ch:"function_name"`
	Owner            string   `ch:"owner"`
	RoleARN          string   `ch:"role_arn"`
	VPC              string   `ch:"vpc_id"`
	Subnets          []string `ch:"subnet_ids"`
	Groups           []string `ch:"security_group_ids"`
	EnvRefs          []string `ch:"env_refs"`
	FileSystems      []string `ch:"file_system_arns"`
	VersionsAttached uint64   `ch:"versions_attached"`
}

func (f function) subject() analysis.Subject {
	return analysis.Subject{Resource: f.ARN, Account: f.Account, Region: f.Region, Owner: f.Owner}
}

func (f function) place() place { return place{f.Account, f.Region} }

// verdict is what was concluded of one attached function.
type verdict struct {
	function   function
	look       *look
	blind      *analysis.Blindness // set when no opinion can be formed
	confidence analysis.Confidence // set when nothing needs the attachment
}

func (v verdict) needless() bool { return v.blind == nil && v.confidence != 0 }

func run(ctx context.Context, p *analysis.Pass) error {
	rules, err := readRules(p)
	if err != nil {
		return err
	}
	book, err := price.Load(ctx, p)
	if err != nil {
		return err
	}
	estate, err := loadEstate(ctx, p)
	if err != nil {
		return err
	}
	verdicts, err := judgeAll(ctx, p, rules, estate)
	if err != nil {
		return err
	}
	ledger := newLedger(p.Window, book, estate, verdicts)
	for _, v := range verdicts {
		switch {
		case v.blind != nil:
			p.CannotDetermine(v.function.subject(), *v.blind)
		case v.needless():
			p.Violation(finding(v, ledger.savingOf(p, v)))
		default:
			p.OK(v.function.subject())
		}
	}
	return nil
}

func judgeAll(ctx context.Context, p *analysis.Pass, rules rules, estate *estate) ([]verdict, error) {
	var verdicts []verdict
	for f, err := range analysis.Select[function](ctx, p) {
		if err != nil {
			return nil, err
		}
		v := verdict{function: f}
		if f.VPC != "" {
			v.look = examine(p, rules, estate.network(f.place()), f)
			v.conclude(p)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}

// conclude says whether the attachment is needless and how sure that is. A need
// that was seen stands whatever else is not known.
func (v *verdict) conclude(p *analysis.Pass) {
	switch {
	case len(v.look.Needs) > 0:
	case v.look.Undecided != nil:
		v.blind = v.look.Undecided
	default:
		v.confidence = v.look.confidence()
	}
}

// rules are the parameters, read once.
type rules struct {
	privateDomains []string
	dataPorts      []string
	exemptions     []analysis.Exemption
	now            time.Time
}

func readRules(p *analysis.Pass) (rules, error) {
	r := rules{privateDomains: p.Strings("private_domains"), dataPorts: p.Strings("data_ports"), now: p.Window.To}
	if err := p.Object("exemptions", &r.exemptions); err != nil {
		return rules{}, err
	}
	return r, nil
}

// exempts reports whether an exemption names the function, its VPC or its account.
func exempts(e analysis.Exemption, f function) bool {
	return slices.Contains([]string{f.ARN, f.Name, f.VPC, f.Account}, e.Resource)
}

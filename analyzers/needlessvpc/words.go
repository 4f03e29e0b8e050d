package needlessvpc

import (
	"fmt"
	"math"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

func finding(v verdict, s saving) analysis.Finding {
	return analysis.Finding{
		Subject:     v.function.subject(),
		Confidence:  v.confidence,
		Savings:     s.Interval,
		Unpriced:    s.Unpriced,
		Summary:     summary(v, s),
		Evidence:    evidence(v, s),
		Remediation: remediation(v.function),
	}
}

func summary(v verdict, s saving) string {
	c := v.look.Counts
	seen := []string{plural(c["groups_in_vpc"], "security group"), plural(c["ingress_rules_in_vpc"], "ingress rule")}
	if v.look.InterfacesRead {
		seen = append(seen, plural(c["interfaces_in_vpc"], "interface of others"))
	}
	last := len(seen) - 1
	return fmt.Sprintf("Attached to %s, where nothing is seen to need it: among %s and %s, none admits its security groups or subnets",
		v.function.VPC, strings.Join(seen[:last], ", "), seen[last]) + money(s) + "."
}

func money(s saving) string {
	switch {
	case s.Unpriced != "" || len(s.Gateways) == 0:
		return ""
	case len(s.Gateways) == 1 && s.Gateways[0].Whole:
		return fmt.Sprintf("; %s serves %s alone, for $%.2f a month%s",
			s.Gateways[0].ID, plural(s.Gateways[0].Functions, "needless function"), s.Gateways[0].hours+s.Gateways[0].data, traffic(s.Gateways[0]))
	case len(s.Gateways) == 1:
		return fmt.Sprintf("; it has %.0f%% of %s with %s and %s of others%s", 100*s.Gateways[0].Share, s.Gateways[0].ID,
			plural(s.Gateways[0].Functions, "function"), plural(s.Gateways[0].Others, "interface"), traffic(s.Gateways[0]))
	default:
		return fmt.Sprintf("; it goes out through %d NAT gateways", len(s.Gateways))
	}
}

func traffic(g gatewayShare) string {
	if g.GBPerMonth == nil {
		return ", its traffic not read"
	}
	return fmt.Sprintf(", %.1f GB a month", *g.GBPerMonth)
}

func evidence(v verdict, s saving) map[string]any {
	e := map[string]any{
		"vpc_id":             v.function.VPC,
		"subnet_ids":         v.function.Subnets,
		"security_group_ids": v.function.Groups,
		"egress":             v.look.Egress,
		"looked_at":          lookedAt(v.look.Counts),
	}
	if len(v.look.Doubts) > 0 {
		e["doubts"] = v.look.Doubts
	}
	if len(v.look.Unread) > 0 {
		e["unread"] = v.look.Unread
	}
	if len(s.Gateways) > 0 {
		e["nat_gateways"] = s.Gateways
	}
	if len(s.Endpoints) > 0 {
		e["interface_endpoints"] = s.Endpoints
	}
	if len(s.MissingGW) > 0 {
		e["missing_gateway_endpoints"] = s.MissingGW
		e["hint"] = "gateway endpoints are free and keep traffic to these services off the NAT gateway"
	}
	if v.function.VersionsAttached > 0 {
		e["published_versions_attached"] = v.function.VersionsAttached
	}
	return e
}

// lookedAt has every count, also those that are zero: they are the proof.
func lookedAt(counts map[string]int) map[string]int {
	all := map[string]int{}
	for _, name := range []string{
		"groups_in_vpc", "ingress_rules_in_vpc", "interfaces_in_vpc", "interface_endpoints_in_vpc", "environment_references",
		"private_permissions", "private_routes", "rules_naming_its_groups", "rules_admitting_its_subnets", "rules_with_nothing_behind",
	} {
		all[name] = counts[name]
	}
	return all
}

func remediation(f function) string {
	lines := []string{
		"# first: does anybody outside admit the NAT gateway's address? then detaching changes the address they see",
		fmt.Sprintf("aws lambda update-function-configuration --function-name %s --vpc-config SubnetIds=[],SecurityGroupIds=[] --region %s", f.Name, f.Region),
		fmt.Sprintf("# Terraform: remove the vpc_config block of the aws_lambda_function %q", f.Name),
		"# its interfaces are gone up to 20 minutes later",
	}
	if f.VersionsAttached > 0 {
		lines = append(lines, fmt.Sprintf("# %s still attached, and its interfaces with them, until they are deleted", pluralAre(f.VersionsAttached, "published version")))
	}
	return strings.Join(lines, "\n")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	head, tail, _ := strings.Cut(noun, " of ")
	if tail != "" {
		tail = " of " + tail
	}
	return fmt.Sprintf("%d %ss%s", n, head, tail)
}

func pluralAre(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun + " is"
	}
	return fmt.Sprintf("%d %ss are", n, noun)
}

func cents(usd float64) float64 { return rounded(usd, 2) }

func rounded(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

package deploy

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

const (
	moduleFolder = "deploy/terraform"
	policyFile   = "deploy/aws/policy.json"
)

// loadTerraform reads the module's folder, its examples and its README.
func loadTerraform(t testing.TB) deployment {
	t.Helper()
	d := load(t, policyFile)
	err := filepath.WalkDir(filepath.Join(root, moduleFolder), func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		d[filepath.ToSlash(rel)] = read(t, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// module is one folder of Terraform files.
type module struct {
	blocks []*hclsyntax.Block
}

// modules parses every Terraform file, by folder.
func modules(d deployment) (map[string]*module, error) {
	f := &faults{}
	parser := hclparse.NewParser()
	found := map[string]*module{}
	for _, file := range slices.Sorted(maps.Keys(d)) {
		if path.Ext(file) != ".tf" {
			continue
		}
		parsed, diagnostics := parser.ParseHCL(d[file], file)
		if diagnostics.HasErrors() {
			f.add(diagnostics)
			continue
		}
		f.check(string(hclwrite.Format(d[file])) == string(d[file]), "%s is not formatted as terraform fmt does", file)
		m := found[path.Dir(file)]
		if m == nil {
			m = &module{}
			found[path.Dir(file)] = m
		}
		m.blocks = append(m.blocks, parsed.Body.(*hclsyntax.Body).Blocks...)
	}
	return found, f.err()
}

func (m *module) named(kind string) map[string]*hclsyntax.Block {
	list := map[string]*hclsyntax.Block{}
	for _, b := range m.blocks {
		if b.Type == kind && len(b.Labels) > 0 {
			list[strings.Join(b.Labels, ".")] = b
		}
	}
	return list
}

// locals are the expressions of all locals blocks.
func (m *module) locals() map[string]hcl.Expression {
	list := map[string]hcl.Expression{}
	for _, b := range m.blocks {
		if b.Type == "locals" {
			for name, a := range b.Body.Attributes {
				list[name] = a.Expr
			}
		}
	}
	return list
}

// expressions are all expressions of a body and of the blocks in it.
func expressions(body *hclsyntax.Body) []hcl.Expression {
	var list []hcl.Expression
	for _, a := range body.Attributes {
		list = append(list, a.Expr)
	}
	for _, b := range body.Blocks {
		list = append(list, expressions(b.Body)...)
	}
	return list
}

// referencesResolve wants every var, local, module, resource and data source
// that is named to exist: Terraform would say so only when it runs.
func (m *module) referencesResolve(f *faults, folder string) {
	variables, data, resources, calls := m.named("variable"), m.named("data"), m.named("resource"), m.named("module")
	locals := m.locals()
	builtin := []string{"path", "aws", "string", "number", "bool"} // aws. is a provider's alias, the rest are types
	for _, b := range m.blocks {
		for _, e := range expressions(b.Body) {
			for _, t := range e.Variables() {
				words := traversal(t)
				known := slices.Contains(builtin, words[0])
				switch words[0] {
				case "var":
					_, known = variables[words[1]]
				case "local":
					_, known = locals[words[1]]
				case "module":
					_, known = calls[words[1]]
				case "data":
					_, known = data[words[1]+"."+words[2]]
				default:
					if strings.HasPrefix(words[0], "aws_") {
						_, known = resources[words[0]+"."+words[1]]
					}
				}
				f.check(known, "%s: %s is not declared", folder, strings.TrimRight(strings.Join(words, "."), "."))
			}
		}
	}
}

// traversal is a reference's names, padded to three with empty ones.
func traversal(t hcl.Traversal) []string {
	words := []string{t.RootName()}
	for _, step := range t[1:] {
		if a, ok := step.(hcl.TraverseAttr); ok {
			words = append(words, a.Name)
		}
	}
	for len(words) < 3 {
		words = append(words, "")
	}
	return words
}

// checkModules holds what every folder of Terraform files promises.
func checkModules(d deployment) error {
	all, err := modules(d)
	if err != nil {
		return err
	}
	f := &faults{}
	for folder, m := range all {
		m.versionsPinned(f, folder)
		m.referencesResolve(f, folder)
		m.described(f, folder)
		m.withoutCredentials(f, folder)
		if folder != moduleFolder {
			m.callsFit(f, folder, all[moduleFolder])
		}
	}
	own := all[moduleFolder]
	f.check(len(own.named("provider")) == 0, "the module configures a provider, which is its caller's")
	for kind, blocks := range map[string]map[string]*hclsyntax.Block{"input": own.named("variable"), "output": own.named("output")} {
		for name := range blocks {
			f.check(strings.Contains(string(d[moduleFolder+"/README.md"]), "| `"+name+"` |"), "README.md does not tell of the %s %s", kind, name)
		}
	}
	f.add(grantsAgree(own, d[policyFile]))
	return f.err()
}

// versionsPinned wants ranges that end: ~> and not >=.
func (m *module) versionsPinned(f *faults, folder string) {
	seen := 0
	for _, b := range m.blocks {
		if b.Type != "terraform" {
			continue
		}
		for _, e := range expressions(b.Body) {
			v, _ := e.Value(nil) // constants, or nothing that is a version
			for _, version := range versions(v) {
				seen++
				f.check(strings.HasPrefix(version, "~> "), "%s: the version %q is not pinned with ~>", folder, version)
			}
		}
	}
	f.check(seen == 2, "%s pins %d versions, want Terraform's and the provider's", folder, seen)
}

// versions are the version constraints in a value of the terraform block.
func versions(v cty.Value) []string {
	switch {
	case v.Type() == cty.String:
		return []string{v.AsString()}
	case v.Type().IsObjectType() && v.Type().HasAttribute("version"):
		return []string{v.GetAttr("version").AsString()}
	}
	return nil
}

func (m *module) described(f *faults, folder string) {
	for name, b := range m.named("variable") {
		for _, attribute := range []string{"description", "type"} {
			f.check(b.Body.Attributes[attribute] != nil, "%s: variable %s has no %s", folder, name, attribute)
		}
		validated := slices.ContainsFunc(b.Body.Blocks, func(b *hclsyntax.Block) bool { return b.Type == "validation" })
		free := []string{"billing", "tags"} // any value of the type will do
		f.check(folder != moduleFolder || validated || slices.Contains(free, name), "%s: variable %s is not validated", folder, name)
		f.check(!secretName.MatchString(name) && name != "external_id" || b.Body.Attributes["sensitive"] != nil, "%s: variable %s is shown in plans", folder, name)
		f.check(name != "external_id" || b.Body.Attributes["default"] == nil, "%s: variable %s has a default", folder, name)
	}
	for name, b := range m.named("output") {
		f.check(b.Body.Attributes["description"] != nil, "%s: output %s has no description", folder, name)
	}
}

func (m *module) withoutCredentials(f *faults, folder string) {
	for _, b := range m.blocks {
		if b.Type != "provider" {
			continue
		}
		for name := range b.Body.Attributes {
			f.check(slices.Contains([]string{"alias", "region"}, name), "%s: a provider is given %s", folder, name)
		}
	}
}

// callsFit wants a call of the module to give it what it requires and nothing else.
func (m *module) callsFit(f *faults, folder string, called *module) {
	inputs := called.named("variable")
	for name, call := range m.named("module") {
		for given := range call.Body.Attributes {
			f.check(inputs[given] != nil || given == "source" || given == "providers", "%s: module %s is given %s, which it does not take", folder, name, given)
		}
		for input, b := range inputs {
			f.check(b.Body.Attributes["default"] != nil || call.Body.Attributes[input] != nil, "%s: module %s is not given %s", folder, name, input)
		}
		source, _ := call.Body.Attributes["source"].Expr.Value(nil)
		f.check(source.Type() == cty.String && path.Join(folder, source.AsString()) == moduleFolder, "%s: module %s is another module", folder, name)
	}
}

// evaluated is the policy that the module makes of the given variables.
func (m *module) evaluated(policy []byte, variables map[string]cty.Value) (string, error) {
	scope := &hcl.EvalContext{
		Variables: map[string]cty.Value{"path": cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal(moduleFolder)})},
		Functions: map[string]function.Function{
			"jsondecode": stdlib.JSONDecodeFunc, "jsonencode": stdlib.JSONEncodeFunc, "length": stdlib.LengthFunc,
			"setsubtract": stdlib.SetSubtractFunc, "setunion": stdlib.SetUnionFunc, "sort": stdlib.SortFunc,
			"file": fileFunction(policy),
		},
	}
	values := map[string]cty.Value{}
	for name, b := range m.named("variable") {
		if a := b.Body.Attributes["default"]; a != nil {
			v, _ := a.Expr.Value(nil)
			values[name] = v
		}
	}
	values["excluded_actions"] = cty.SetValEmpty(cty.String)
	maps.Copy(values, variables)
	scope.Variables["var"] = cty.ObjectVal(values)
	locals := map[string]cty.Value{}
	expressions := m.locals()
	for _, name := range []string{"generated", "excluded", "statements", "policy"} { // each uses those before it
		scope.Variables["local"] = cty.ObjectVal(locals)
		if expressions[name] == nil {
			return "", fmt.Errorf("the module has no local %s", name)
		}
		v, diagnostics := expressions[name].Value(scope)
		if diagnostics.HasErrors() {
			return "", diagnostics
		}
		locals[name] = v
	}
	return locals["policy"].AsString(), nil
}

// fileFunction is Terraform's file() for the one file that there is.
func fileFunction(policy []byte) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}},
		Type:   function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if path.Clean(args[0].AsString()) != policyFile {
				return cty.NilVal, fmt.Errorf("open %s: %w", args[0].AsString(), os.ErrNotExist)
			}
			return cty.StringVal(string(policy)), nil
		},
	})
}

// actions are a policy's, sorted.
func actions(policy []byte) ([]string, error) {
	var p struct {
		Version   string
		Statement []struct {
			Sid, Effect, Resource string
			Action                []string
		}
	}
	if err := json.Unmarshal(policy, &p); err != nil {
		return nil, fmt.Errorf("parse the policy: %w", err)
	}
	var list []string
	for _, s := range p.Statement {
		if s.Effect != "Allow" || s.Resource != "*" || s.Sid == "" || len(s.Action) == 0 {
			return nil, fmt.Errorf("statement %s: effect %s, resource %s, %d actions", s.Sid, s.Effect, s.Resource, len(s.Action))
		}
		list = append(list, s.Action...)
	}
	slices.Sort(list)
	return list, nil
}

// maxPolicy is the size of a managed policy that IAM accepts, blanks not counted.
const maxPolicy = 6144

// grantsAgree wants the module to grant what the generated policy says, and
// less where its caller asks for less.
func grantsAgree(m *module, generated []byte) error {
	want, err := actions(generated)
	if err != nil {
		return err
	}
	f := &faults{}
	without := func(left ...string) []string {
		return slices.DeleteFunc(slices.Clone(want), func(a string) bool { return slices.Contains(left, a) })
	}
	for _, c := range []struct {
		variables map[string]cty.Value
		want      []string
	}{
		{nil, want},
		{map[string]cty.Value{"billing": cty.False}, without("ce:GetCostAndUsage")},
		{map[string]cty.Value{"excluded_actions": cty.SetVal([]cty.Value{cty.StringVal("lambda:GetFunction")})}, without("lambda:GetFunction")},
	} {
		policy, err := m.evaluated(generated, c.variables)
		if err != nil {
			return err
		}
		got, err := actions([]byte(policy))
		f.add(err)
		if diff := cmp.Diff(c.want, got); diff != "" {
			f.check(false, "the module's actions are not those of %s, with %v (-want +got):\n%s", policyFile, c.variables, diff)
		}
		f.check(len(policy) <= maxPolicy, "the policy has %d characters, and IAM takes %d: split it", len(policy), maxPolicy)
	}
	return f.err()
}

func TestTerraform(t *testing.T) {
	t.Parallel()
	file := func(name string) string { return moduleFolder + "/" + name }
	mutate(t, checkModules, loadTerraform(t), []mutation{
		{"a syntax error", file("main.tf"), "locals {", "locals {{", "main.tf"},
		{"not formatted", file("outputs.tf"), "  value       = aws_iam_role.this.arn", "  value = aws_iam_role.this.arn", "terraform fmt"},
		{"an open range", file("versions.tf"), "~> 6.0", ">= 6.0", `">= 6.0" is not pinned`},
		{"no version", file("versions.tf"), "      source  = \"hashicorp/aws\"\n      version = \"~> 6.0\"\n", "      source = \"hashicorp/aws\"\n", "pins 1 versions"},
		{"an undeclared variable", file("main.tf"), "var.max_session_duration", "var.session_duration", "var.session_duration is not declared"},
		{"an undeclared resource", file("outputs.tf"), "aws_iam_policy.this.arn", "aws_iam_policy.main.arn", "aws_iam_policy.main.arn is not declared"},
		{"an undeclared data source", file("main.tf"), "data.aws_iam_policy_document.trust.json", "data.aws_iam_policy_document.who.json", "data.aws_iam_policy_document.who.json is not declared"},
		{"credentials", file("examples/single-account/main.tf"), "  region = var.region\n", "  region = var.region\n  access_key = \"AKIAEXAMPLE\"\n", "single-account"},
		{"a provider of its own", file("versions.tf"), "terraform {", "provider \"aws\" {\n}\n\nterraform {", "configures a provider"},
		{"not validated", file("variables.tf"), "  validation {\n    condition     = can(regex(\"^[A-Za-z0-9+=,.@_-]{1,64}$\", var.name))\n    error_message = \"Give 1 to 64 letters, digits and +=,.@_- as IAM allows them.\"\n  }\n", "", "variable name is not validated"},
		{"a secret in plans", file("variables.tf"), "  sensitive   = true\n", "", "external_id is shown in plans"},
		{"a default external id", file("variables.tf"), "  sensitive   = true\n", "  sensitive   = true\n  default     = \"0123456789abcdef\"\n", "external_id has a default"},
		{"an input nobody tells of", file("README.md"), "| `billing` |", "| `bill` |", "input billing"},
		{"a call with more", file("examples/single-account/main.tf"), "  tags                     = { owner = \"finops\" }", "  owner                    = \"finops\"", "is given owner"},
		{"a call with less", file("examples/organisation/main.tf"), "  external_id              = var.external_id\n", "", "is not given external_id"},
		{"another policy", file("main.tf"), "../aws/policy.json", "../aws/all.json", "all.json"},
		{"fewer actions", file("main.tf"), `: ["ce:GetCostAndUsage"]`, `: []`, "the module's actions are not those"},
		{"more actions", file("main.tf"), "Action   = sort(setsubtract(s.Action, local.excluded))", "Action   = [\"*\"]", "the module's actions are not those"},
		{"a policy that writes to one thing", policyFile, `"Resource": "*"`, `"Resource": "arn:aws:s3:::x"`, "resource arn:aws:s3:::x"},
	})
}

// What no longer fits is said before IAM says it.
func TestTerraformPolicyTooLong(t *testing.T) {
	t.Parallel()
	all, err := modules(loadTerraform(t))
	if err != nil {
		t.Fatal(err)
	}
	var p map[string]any
	if err := json.Unmarshal(read(t, policyFile), &p); err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprintf("lambda:SomethingLong%03d", i))
	}
	p["Statement"].([]any)[0].(map[string]any)["Action"] = many
	long, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := grantsAgree(all[moduleFolder], long); err == nil || !strings.Contains(err.Error(), "split it") {
		t.Errorf("a policy of %d characters: %v", len(long), err)
	}
}

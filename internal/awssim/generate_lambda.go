package awssim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// lambdaFamily adds URLs, layers, code signing, runtime management and the edge.
// It draws from streams of its own and changes nothing that is there: what it
// adds hangs on functions that exist.
func (b *builder) lambdaFamily() {
	for _, s := range b.sites {
		r := newRand(streamKey(b.w.Seed, s.region.Name, "lambda family"), 0)
		s.region.Extras, s.region.Pollers = map[string]*FunctionExtras{}, map[string]*MappingExtras{}
		s.functionURLs(r)
		s.runtimeManagement(r)
		s.ownLayers(r)
		s.codeSigning(r)
	}
	b.distributions()
}

func (s *site) extra(f *Function) *FunctionExtras {
	e := s.region.Extras[f.Name]
	if e == nil {
		e = &FunctionExtras{QualifierPolicies: map[string]string{}}
		s.region.Extras[f.Name] = e
	}
	return e
}

// functionURLs gives one function in twelve a URL that demands a signature, and
// the first that has an alias one for everybody.
func (s *site) functionURLs(r *rand.Rand) {
	open := false
	for _, f := range s.region.Functions {
		draw := r.Float64()
		switch {
		case len(f.Aliases) > 0 && !open:
			open = true
			alias := f.Aliases[0].Name
			s.addURL(f, FunctionURL{Qualifier: alias, AuthType: "NONE", InvokeMode: "BUFFERED", CORS: &CORS{
				Origins: []string{"*"}, Methods: []string{"GET", "POST"}, Headers: []string{"content-type"}, MaxAgeS: 86_400,
			}})
			s.extra(f).QualifierPolicies[alias] = document{ID: "default", Statement: []statement{{
				SID: "FunctionURLAllowPublicAccess", Effect: "Allow", Principal: "*", Action: "lambda:InvokeFunctionUrl", Resource: f.ARN + ":" + alias,
				Condition: map[string]any{"StringEquals": map[string]string{"lambda:FunctionUrlAuthType": "NONE"}},
			}}}.text()
		case draw < 1.0/12:
			mode := "BUFFERED"
			if draw < 1.0/48 && strings.HasPrefix(f.Runtime, "nodejs") {
				mode = "RESPONSE_STREAM"
			}
			s.addURL(f, FunctionURL{AuthType: "AWS_IAM", InvokeMode: mode})
		}
	}
}

func (s *site) addURL(f *Function, u FunctionURL) {
	u.URL = fmt.Sprintf("https://%s.lambda-url.%s.on.aws/", hexID(s.w.Seed, 32, f.ARN, u.Qualifier, "url"), s.region.Name)
	u.CreatedAt = f.LastModified.Add(30 * time.Minute).Truncate(time.Second)
	e := s.extra(f)
	e.URLs = append(e.URLs, u)
}

// runtimeManagement leaves nine functions in ten to Lambda.
func (s *site) runtimeManagement(r *rand.Rand) {
	for _, f := range s.region.Functions {
		draw := r.Float64()
		switch {
		case f.PackageType == "Image" || draw >= 0.1:
		case draw < 0.03:
			s.extra(f).UpdateRuntimeOn = "Manual"
			s.extra(f).RuntimeVersionARN = fmt.Sprintf("arn:%s:lambda:%s::runtime:%s", s.w.Partition, s.region.Name, hexID(s.w.Seed, 64, f.Runtime, "runtime"))
		default:
			s.extra(f).UpdateRuntimeOn = "FunctionUpdate"
		}
	}
}

// ownLayers are two layers: one shared with nobody, and one whose older version
// is shared with an account, and whose newest with everybody.
func (s *site) ownLayers(r *rand.Rand) {
	for i, name := range []string{"acme-logging", "acme-tracing"} {
		l := &OwnLayer{Name: name, ARN: s.arn("lambda", "layer:"+name)}
		versions := around(r, 3, 60)
		for v := 1; v <= versions; v++ {
			l.Versions = append(l.Versions, OwnLayerVersion{
				Version: v, Description: name + " " + strconv.Itoa(v), CreatedAt: s.w.Now.AddDate(0, 0, (v-versions)*9-4).Add(7 * time.Hour),
				Runtimes: []string{"nodejs20.x", "nodejs22.x"}, Architectures: []string{"x86_64", "arm64"}, License: "MIT",
				CodeBytes: int64(around(r, 200_000, 9_000_000)), CodeSHA256: base64ish(s.w.Seed, l.ARN+strconv.Itoa(v)),
			})
		}
		if i == 1 {
			s.share(l, 0, map[string]string{"AWS": "arn:" + s.w.Partition + ":iam::999900001111:root"})
			s.share(l, versions-1, "*")
		}
		s.region.OwnLayers = append(s.region.OwnLayers, l)
	}
}

func (s *site) share(l *OwnLayer, at int, principal any) {
	v := &l.Versions[at]
	v.Policy = document{ID: "default", Statement: []statement{{
		SID: "shared", Effect: "Allow", Principal: principal, Action: "lambda:GetLayerVersion", Resource: l.ARN + ":" + strconv.Itoa(v.Version),
	}}}.text()
}

// codeSigning watches the code of a few functions without refusing any.
func (s *site) codeSigning(r *rand.Rand) {
	id := "csc-0" + hexID(s.w.Seed, 16, s.region.Name, "code signing")
	c := &CodeSigning{
		ID: id, ARN: s.arn("lambda", "code-signing-config:"+id), Description: "releases", OnUntrusted: "Warn",
		Publishers:   []string{s.arn("signer", "/signing-profiles/release/"+hexID(s.w.Seed, 10, s.region.Name, "profile"))},
		LastModified: s.w.Now.AddDate(0, 0, -90).Add(10 * time.Hour),
	}
	for _, f := range s.region.Functions {
		if f.PackageType == "Zip" && r.Float64() < 0.08 {
			c.FunctionARNs = append(c.FunctionARNs, f.ARN)
		}
	}
	s.region.CodeSigning = append(s.region.CodeSigning, c)
}

// distributions are two: a site that runs a published version of a function at
// the edge, where there is one that may, and one with a CloudFront function.
func (b *builder) distributions() {
	add := func(name, alias string, behaviors ...Behavior) {
		id := "E" + strings.ToUpper(hexID(b.w.Seed, 13, b.w.Account, name, "distribution"))
		b.w.Distributions = append(b.w.Distributions, &Distribution{
			ID: id, ARN: "arn:" + b.w.Partition + ":cloudfront::" + b.w.Account + ":distribution/" + id, Domain: "d" + hexID(b.w.Seed, 13, id) + ".cloudfront.net",
			Aliases: []string{alias}, Enabled: true, Status: "Deployed", PriceClass: "PriceClass_100", Origin: name + ".origin.acme.example",
			LastModified: b.w.Now.AddDate(0, 0, -33).Add(8 * time.Hour), Behaviors: behaviors,
		})
	}
	rewrite := Association{ARN: "arn:" + b.w.Partition + ":cloudfront::" + b.w.Account + ":function/rewrite", EventType: "viewer-request"}
	add("docs", "docs.acme.example", Behavior{Path: "*", Functions: []Association{rewrite}})
	if versions := b.edgeVersions(); len(versions) > 0 {
		origin := Association{ARN: versions[0].QualifiedARN(), EventType: "origin-request", IncludeBody: true}
		add("shop", "www.acme.example", Behavior{Path: "*"}, Behavior{Path: "/api/*", Functions: []Association{origin, rewrite}})
		b.replicate(versions[0])
	}
	by(b.w.Distributions, func(d *Distribution) string { return d.ID })
}

// atEdge reports whether the function's first version was made for the edge: it
// fits the edge's limits, and no alias uses it. It goes by the function alone.
func atEdge(f *Function) bool {
	runtime := strings.HasPrefix(f.Runtime, "nodejs") || strings.HasPrefix(f.Runtime, "python")
	return len(f.Versions) > 1 && runtime && f.VPC == nil && f.Architecture == "x86_64" && f.TimeoutS <= 30 && len(f.Layers) == 0 && len(f.FileSystems) == 0
}

// edgeVersions are the first versions of such functions in us-east-1, which the
// edge lets have neither variables nor a dead-letter queue.
func (b *builder) edgeVersions() []*Configuration {
	var list []*Configuration
	for _, s := range b.sites {
		if s.region.Name != "us-east-1" {
			continue
		}
		for _, f := range s.region.Functions {
			if atEdge(f) {
				v := &f.Versions[0]
				v.Environment, v.DLQARN, v.TracingMode, v.KMSKeyARN, v.EphemeralMB = nil, "", "PassThrough", "", 512
				list = append(list, v)
			}
		}
	}
	return list
}

// replicate copies a version from us-east-1 to the other regions.
func (b *builder) replicate(v *Configuration) {
	for _, s := range b.sites {
		if s.region.Name == "us-east-1" {
			continue
		}
		copied := *v
		copied.Name = "us-east-1." + v.Name
		copied.ARN = s.arn("lambda", "function:"+copied.Name)
		s.region.Replicas = append(s.region.Replicas, &Replica{Configuration: copied, MasterARN: v.QualifiedARN()})
	}
}

package awssim

import (
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// protocolOf guesses the protocol of a request for a service that is not
// simulated, so that its refusal can be read.
func protocolOf(r *http.Request) protocol {
	contentType := r.Header.Get("Content-Type")
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return rpcCBOR
	case strings.HasPrefix(contentType, "application/x-amz-json-1.0"):
		return awsJSON10
	case r.Header.Get("X-Amz-Target") != "":
		return awsJSON11
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		return query
	default:
		return restJSON
	}
}

// decode reads which operation is asked, and its parameters by the names that
// the protocol uses. An operation the service lacks comes back as a name alone.
func (s *service) decode(r *http.Request, body []byte) (name string, params obj, err *apiError) {
	switch s.protocol {
	case awsJSON10, awsJSON11:
		return s.decodeTarget(r, body)
	case rpcCBOR:
		return s.decodeCBOR(r, body)
	case query, ec2Query:
		return s.decodeForm(r, body)
	default:
		return s.decodeREST(r, body)
	}
}

func (s *service) decodeTarget(r *http.Request, body []byte) (string, obj, *apiError) {
	prefix, name, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if prefix != s.target || r.Method != http.MethodPost {
		return "", nil, s.fail(failUnknownOperation, "")
	}
	if len(body) == 0 {
		return name, obj{}, nil
	}
	params, err := parseJSON(body)
	if err != nil {
		return name, nil, s.fail(failMalformed, "%v", err)
	}
	return name, params, nil
}

func (s *service) decodeCBOR(r *http.Request, body []byte) (string, obj, *apiError) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/service/"+s.target+"/operation/")
	if !ok || r.Method != http.MethodPost || r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" {
		return "", nil, s.fail(failUnknownOperation, "")
	}
	if len(body) == 0 {
		return rest, obj{}, nil
	}
	var params obj
	if err := cborDecoding.Unmarshal(body, &params); err != nil {
		return rest, nil, s.fail(failMalformed, "%v", err)
	}
	return rest, params, nil
}

// cborDecoding gives plain values: maps by string, signed integers, times.
var cborDecoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DefaultMapType: reflectMap,
		IntDec:         cbor.IntDecConvertSignedOrFail,
		TimeTagToAny:   cbor.TimeTagToTime,
	}.DecMode()
	if err != nil {
		panic("cbor options of awssim: " + err.Error())
	}
	return mode
}()

func (s *service) decodeForm(r *http.Request, body []byte) (string, obj, *apiError) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "", nil, s.fail(failMalformed, "%v", err)
	}
	for key, values := range r.URL.Query() {
		form[key] = append(form[key], values...)
	}
	name := form.Get("Action")
	if name == "" {
		return "", nil, s.fail(failUnknownOperation, "Could not find operation")
	}
	return name, formTree(form), nil
}

// formTree nests dotted keys: Filter.1.Value.2=x becomes Filter[0].Value[1].
// Query's list wrapper "member" is left out.
func formTree(form url.Values) obj {
	root := obj{}
	for key, values := range form {
		node, path := root, strings.Split(key, ".")
		for _, step := range path[:len(path)-1] {
			next, ok := node[step].(obj)
			if !ok {
				next = obj{}
				node[step] = next
			}
			node = next
		}
		node[path[len(path)-1]] = values[0]
	}
	tree, _ := listed(root).(obj)
	return tree
}

// listed turns objects whose members are all numbers into lists.
func listed(v any) any {
	node, ok := v.(obj)
	if !ok {
		return v
	}
	if only, ok := node["member"]; ok && len(node) == 1 {
		return listed(only)
	}
	var indexes []int
	for key := range node {
		if n, err := strconv.Atoi(key); err == nil {
			indexes = append(indexes, n)
		}
	}
	if len(node) > 0 && len(indexes) == len(node) {
		slices.Sort(indexes)
		list := make([]any, len(indexes))
		for i, n := range indexes {
			list[i] = listed(node[strconv.Itoa(n)])
		}
		return list
	}
	for key, member := range node {
		node[key] = listed(member)
	}
	return node
}

// decodeREST finds the operation whose method, path and distinguishing query
// parameter fit; the one with such a parameter goes first. A JSON body's members
// are parameters too.
func (s *service) decodeREST(r *http.Request, body []byte) (string, obj, *apiError) {
	values, path := r.URL.Query(), r.URL.EscapedPath()
	if bucket := bucketOfHost(r.Host); bucket != "" && s.protocol == restXML {
		path = "/" + bucket + path
	}
	var found *operation
	var labels obj
	for i := range s.operations {
		op := &s.operations[i]
		if op.method != r.Method || op.query != "" && !hasQuery(values, op.query) {
			continue
		}
		got, ok := matchPath(op.path, path)
		if ok && (found == nil || op.query != "" && found.query == "") {
			found, labels = op, got
		}
	}
	if found == nil {
		return "", nil, s.fail(failUnknownOperation, "")
	}
	for key, vs := range values {
		labels[key] = vs[0]
		if len(vs) > 1 {
			list := make([]any, len(vs))
			for i, v := range vs {
				list[i] = v
			}
			labels[key] = list
		}
	}
	if s.protocol == restJSON && len(body) > 0 {
		members, err := parseJSON(body)
		if err != nil {
			return found.name, labels, s.fail(failMalformed, "%v", err)
		}
		maps.Copy(labels, members)
	}
	return found.name, labels, nil
}

func hasQuery(values url.Values, want string) bool {
	key, value, fixed := strings.Cut(want, "=")
	if !fixed {
		return values.Has(key)
	}
	return values.Get(key) == value
}

// matchPath fits an escaped path to a pattern with {Labels}.
func matchPath(pattern, path string) (obj, bool) {
	want, got := strings.Split(strings.Trim(pattern, "/"), "/"), strings.Split(strings.Trim(path, "/"), "/")
	if len(want) != len(got) {
		return nil, false
	}
	labels := obj{}
	for i, step := range want {
		if !strings.HasPrefix(step, "{") {
			if step != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		labels[strings.Trim(step, "{}")] = value
	}
	return labels, true
}

// bucketOfHost is the bucket of a virtual-hosted request for S3, "" for others.
func bucketOfHost(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	bucket, rest, ok := strings.Cut(host, ".")
	if ok && (rest == "localhost" || strings.HasPrefix(rest, "s3.") || strings.HasPrefix(rest, "s3-")) {
		return bucket
	}
	return ""
}

package awssim

import (
	"bytes"
	"cmp"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// reflectMap is the type of structures, for the CBOR decoder.
var reflectMap = reflect.TypeFor[obj]()

// A body is a response's payload and its type.
type body struct {
	data        []byte
	contentType string
}

// encode writes an answer in the service's protocol.
func (s *service) encode(op *operation, answer obj, requestID string) (body, error) {
	switch s.protocol {
	case awsJSON10:
		return jsonBody(answer, "application/x-amz-json-1.0")
	case awsJSON11:
		return jsonBody(answer, "application/x-amz-json-1.1")
	case restJSON:
		return jsonBody(answer, "application/json")
	case rpcCBOR:
		return cborBody(answer)
	default:
		return s.xmlBody(op.name, answer, requestID), nil
	}
}

// encodeError writes an error in the service's protocol.
func (s *service) encodeError(e *apiError, requestID string) (body, error) {
	switch s.protocol {
	case awsJSON10, awsJSON11:
		o := obj{"__type": e.code}
		if e.message != "" {
			o["message"] = e.message
		}
		maps.Copy(o, e.extra)
		return jsonBody(o, map[protocol]string{awsJSON10: "application/x-amz-json-1.0", awsJSON11: "application/x-amz-json-1.1"}[s.protocol])
	case restJSON:
		o := obj{"message": e.message}
		if e.extra["Message"] != nil { // some errors of Lambda capitalise the member
			delete(o, "message")
		}
		maps.Copy(o, e.extra)
		return jsonBody(o, "application/json")
	case rpcCBOR:
		o := obj{"__type": cmp.Or(s.namespace, "com.amazonaws.cloudwatch") + "#" + e.code, "message": e.message}
		maps.Copy(o, e.extra)
		return cborBody(o)
	default:
		return s.xmlError(e, requestID), nil
	}
}

// isoTime is an instant that a JSON service writes in ISO 8601, against the
// protocols' custom.
type isoTime struct{ time.Time }

// jsonBody writes timestamps as epoch seconds, as the JSON protocols do.
func jsonBody(o obj, contentType string) (body, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(epochs(o)); err != nil {
		return body{}, fmt.Errorf("encode a JSON answer: %w", err)
	}
	return body{data: bytes.TrimRight(b.Bytes(), "\n"), contentType: contentType}, nil
}

// epochs copies v with every instant as a number of seconds.
func epochs(v any) any {
	switch v := v.(type) {
	case time.Time:
		return json.Number(epochSeconds(v))
	case obj:
		out := make(obj, len(v))
		for k, member := range v {
			out[k] = epochs(member)
		}
		return out
	case []obj:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = epochs(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = epochs(item)
		}
		return out
	case []time.Time:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = epochs(item)
		}
		return out
	default:
		return v
	}
}

// epochSeconds has at most three decimals: services keep milliseconds.
func epochSeconds(t time.Time) string {
	return strconv.FormatFloat(math.Round(float64(t.UnixNano())/1e6)/1e3, 'f', -1, 64)
}

// cborEncoding tags instants as the services do, with whole or fractional seconds.
var cborEncoding = func() cbor.EncMode {
	mode, err := cbor.EncOptions{Time: cbor.TimeUnixDynamic, TimeTag: cbor.EncTagRequired, NilContainers: cbor.NilContainerAsEmpty}.EncMode()
	if err != nil {
		panic("cbor options of awssim: " + err.Error())
	}
	return mode
}()

func cborBody(o obj) (body, error) {
	data, err := cborEncoding.Marshal(o)
	if err != nil {
		return body{}, fmt.Errorf("encode a CBOR answer: %w", err)
	}
	return body{data: data, contentType: "application/cbor"}, nil
}

// xmlNames says how a service's XML differs from the member names of its model.
type xmlNames struct {
	element  func(parent, member string) string // element of a member; parent is the member around it
	item     func(member string) string         // element of a list's items
	itemOf   func(parent string) string         // the same, by the member around the list; wins when set
	flat     func(member string) bool           // items stand without a list element around them
	mapping  func(member string) bool           // a map: entries of key and value
	instants string                             // time layout
}

// iso8601 are the layouts of instants in XML.
const (
	isoSeconds = "2006-01-02T15:04:05Z"
	isoMillis  = "2006-01-02T15:04:05.000Z"
)

// queryNames is plain Query: names of the model, items are called member.
func queryNames() *xmlNames {
	return &xmlNames{
		element:  func(_, member string) string { return member },
		item:     func(string) string { return "member" },
		flat:     func(string) bool { return false },
		mapping:  func(member string) bool { return member == "Attributes" },
		instants: isoSeconds,
	}
}

func (s *service) xmlBody(operation string, answer obj, requestID string) body {
	var b bytes.Buffer
	x := xmlWriter{Writer: &b, names: s.xml}
	switch s.protocol {
	case query:
		fmt.Fprintf(&b, `<%sResponse xmlns="%s">`, operation, s.target)
		x.element(operation+"Result", "", answer)
		fmt.Fprintf(&b, "<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>", requestID, operation)
	case ec2Query:
		fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<%sResponse xmlns="%s"><requestId>%s</requestId>`, operation, s.target, requestID)
		x.members("", answer)
		fmt.Fprintf(&b, "</%sResponse>", operation)
	default:
		root := s.xml.element("", operation)
		if payload, ok := answer[root].(obj); ok && len(answer) == 1 {
			answer = payload // the member is the body, as of CloudFront's listings
		}
		fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<%s xmlns="%s">`, root, s.target)
		if text, ok := answer[""]; ok {
			x.text(text)
		} else {
			x.members("", answer)
		}
		fmt.Fprintf(&b, "</%s>", root)
	}
	contentType := "text/xml"
	switch s.protocol {
	case ec2Query:
		contentType = "text/xml;charset=UTF-8"
	case restXML:
		contentType = "application/xml"
	default: // Query's
	}
	return body{data: b.Bytes(), contentType: contentType}
}

func (s *service) xmlError(e *apiError, requestID string) body {
	var b bytes.Buffer
	x := xmlWriter{Writer: &b, names: queryNames()}
	switch {
	case s.protocol == ec2Query:
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Response><Errors>")
		x.element("Error", "", obj{"Code": e.code, "Message": e.message})
		fmt.Fprintf(&b, "</Errors><RequestID>%s</RequestID></Response>", requestID)
		return body{data: b.Bytes(), contentType: "text/xml;charset=UTF-8"}
	case s.name == "s3": // the only one without a wrapper
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error>")
		x.element("Code", "", e.code)
		x.element("Message", "", e.message)
		x.members("", e.extra)
		fmt.Fprintf(&b, "<RequestId>%s</RequestId><HostId>%s</HostId></Error>", requestID, hostID(requestID))
		return body{data: b.Bytes(), contentType: "application/xml"}
	default:
		fault := "Sender"
		if e.receiver {
			fault = "Receiver"
		}
		fmt.Fprintf(&b, `<ErrorResponse xmlns="%s"><Error><Type>%s</Type>`, s.target, fault)
		x.element("Code", "", e.code)
		x.element("Message", "", e.message)
		fmt.Fprintf(&b, "</Error><RequestId>%s</RequestId></ErrorResponse>", requestID)
		return body{data: b.Bytes(), contentType: "text/xml"}
	}
}

// xmlWriter writes values as elements. Writes go to memory and cannot fail.
type xmlWriter struct {
	io.Writer
	names *xmlNames
}

// itemName is the element of a list's items.
func (n *xmlNames) itemName(parent, member string) string {
	if n.itemOf != nil {
		return n.itemOf(parent)
	}
	return n.item(member)
}

// members writes a structure's members in the order of their names.
func (x xmlWriter) members(parent string, o obj) {
	for _, member := range slices.Sorted(maps.Keys(o)) {
		x.member(parent, member, o[member])
	}
}

func (x xmlWriter) member(parent, member string, v any) {
	name := x.names.element(parent, member)
	items, isList := listOf(v)
	switch {
	case v == nil:
	case isList && x.names.flat(member):
		for _, item := range items {
			x.element(name, member, item)
		}
	case isList:
		fmt.Fprintf(x, "<%s>", name)
		for _, item := range items {
			x.element(x.names.itemName(parent, member), member, item)
		}
		fmt.Fprintf(x, "</%s>", name)
	case x.names.mapping(member):
		x.entries(name, v)
	default:
		x.element(name, member, v)
	}
}

// element writes one value that is no list; member is what it was called.
func (x xmlWriter) element(name, member string, v any) {
	fmt.Fprintf(x, "<%s>", name)
	switch v := v.(type) {
	case obj:
		x.members(member, v)
	default:
		x.text(v)
	}
	fmt.Fprintf(x, "</%s>", name)
}

func (x xmlWriter) entries(name string, v any) {
	fmt.Fprintf(x, "<%s>", name)
	switch v := v.(type) {
	case map[string]string:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			x.entry(key, v[key])
		}
	case obj:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			x.entry(key, v[key])
		}
	}
	fmt.Fprintf(x, "</%s>", name)
}

func (x xmlWriter) entry(key string, value any) {
	fmt.Fprint(x, "<entry><key>")
	x.text(key)
	fmt.Fprint(x, "</key><value>")
	x.text(value)
	fmt.Fprint(x, "</value></entry>")
}

func (x xmlWriter) text(v any) {
	var s string
	switch v := v.(type) {
	case time.Time:
		s = v.UTC().Format(x.names.instants)
	case float64:
		s = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		s = fmt.Sprint(v)
	}
	_ = xml.EscapeText(x, []byte(s))
}

// listOf is a list's items as plain values.
func listOf(v any) ([]any, bool) {
	switch list := v.(type) {
	case []any:
		return list, true
	case []obj:
		return anySlice(list), true
	case []string:
		return anySlice(list), true
	default:
		return nil, false
	}
}

func anySlice[T any](list []T) []any {
	out := make([]any, len(list))
	for i, item := range list {
		out[i] = item
	}
	return out
}

// hostID is S3's second request id, made from the first.
func hostID(requestID string) string {
	sum := sha512.Sum512([]byte(requestID))
	return base64.StdEncoding.EncodeToString(sum[:56])
}

package collect

import (
	"bytes"
	"encoding/json"
)

// Texts is a list of strings in a policy document, which writes one string
// without its list.
type Texts = OneOrMany[string]

// OneOrMany is a list in a policy document, which may write a single item
// without it.
type OneOrMany[T any] []T

// UnmarshalJSON reads either form.
func (l *OneOrMany[T]) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte("[")) {
		return json.Unmarshal(raw, (*[]T)(l))
	}
	if bytes.Equal(raw, []byte("null")) {
		*l = nil
		return nil
	}
	*l = make(OneOrMany[T], 1)
	return json.Unmarshal(raw, &(*l)[0])
}

// Principals are those of a policy's statement, by type: AWS, Service,
// Federated. "*" alone is AWS's.
type Principals map[string]Texts

// UnmarshalJSON reads either form.
func (p *Principals) UnmarshalJSON(raw []byte) error {
	var all string
	if err := json.Unmarshal(raw, &all); err == nil && all != "" {
		*p = Principals{"AWS": {all}}
		return nil
	}
	return json.Unmarshal(raw, (*map[string]Texts)(p))
}

// PolicyCondition is a statement's condition as tables keep it: compact JSON,
// "" for none.
func PolicyCondition(raw json.RawMessage) string {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil || b.String() == "{}" || b.String() == "null" {
		return ""
	}
	return b.String()
}

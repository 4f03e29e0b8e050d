package awssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Recording is a folder of responses recorded from a real account.
type Recording struct {
	responses map[recordedKey][]recordedResponse
	account   string
	regions   []string
	functions map[string]bool // names that appear anywhere
	roles     map[string]bool
}

// recordedKey names an operation as the files do.
type recordedKey struct{ service, operation string }

// recordedResponse is one file.
type recordedResponse struct {
	n      int
	status int
	data   obj
	names  names
}

// names are the resources a response speaks of.
type names struct {
	functions, roles, arns, others map[string]bool
	regions                        map[string]bool
}

var recordedName = regexp.MustCompile(`^([a-z0-9-]+)\.([A-Za-z0-9]+)_(\d+)\.json$`)

// LoadRecording reads a folder of recorded responses. Files of other names are
// not taken for responses.
func LoadRecording(dir string) (*Recording, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	r := &Recording{responses: map[recordedKey][]recordedResponse{}, functions: map[string]bool{}, roles: map[string]bool{}}
	var faults []error
	for _, file := range files {
		m := recordedName.FindStringSubmatch(file.Name())
		if m == nil || file.IsDir() {
			continue
		}
		response, err := loadResponse(filepath.Join(dir, file.Name()))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		response.n, _ = strconv.Atoi(m[3])
		key := recordedKey{m[1], m[2]}
		r.responses[key] = append(r.responses[key], response)
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("read the recording in %s: %w", dir, errors.Join(faults...))
	}
	if len(r.responses) == 0 {
		return nil, fmt.Errorf("read the recording in %s: no file is named service.Operation_N.json", dir)
	}
	for _, list := range r.responses {
		slices.SortFunc(list, func(a, b recordedResponse) int { return a.n - b.n })
	}
	r.survey()
	return r, nil
}

func loadResponse(path string) (recordedResponse, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return recordedResponse{}, err
	}
	file, err := parseJSON(raw)
	if err != nil {
		return recordedResponse{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	status, ok := asInteger(file["status_code"])
	data, isObject := file["data"].(obj)
	if !ok || !isObject {
		return recordedResponse{}, fmt.Errorf("%s: want an object with status_code and data", filepath.Base(path))
	}
	revive(data)
	delete(data, "ResponseMetadata")
	return recordedResponse{status: status, data: data, names: namesIn(data)}, nil
}

// revive turns recorded instants, objects of class datetime, into times.
func revive(v any) any {
	switch v := v.(type) {
	case obj:
		if v["__class__"] == "datetime" {
			part := func(name string) int { n, _ := asInteger(v[name]); return n }
			return time.Date(part("year"), time.Month(part("month")), part("day"), part("hour"), part("minute"), part("second"),
				part("microsecond")*1000, time.UTC)
		}
		for k, member := range v {
			v[k] = revive(member)
		}
	case []any:
		for i, item := range v {
			v[i] = revive(item)
		}
	}
	return v
}

// namesIn collects the resources that a response speaks of, also inside of
// policies written as JSON strings.
func namesIn(v any) names {
	n := names{functions: map[string]bool{}, roles: map[string]bool{}, arns: map[string]bool{}, others: map[string]bool{}, regions: map[string]bool{}}
	n.collect("", v)
	return n
}

func (n names) collect(member string, v any) {
	switch v := v.(type) {
	case obj:
		for k, inner := range v {
			n.collect(k, inner)
		}
	case []any:
		for _, item := range v {
			n.collect(member, item)
		}
	case string:
		n.add(member, v)
	}
}

func (n names) add(member, s string) {
	n.others[s] = true
	switch {
	case member == "FunctionName":
		n.functions[s] = true
	case member == "RoleName":
		n.roles[s] = true
	case member == "AvailabilityZone" && len(s) > 1:
		n.regions[s[:len(s)-1]] = true
	case strings.HasPrefix(s, "{"):
		var inner any
		if json.Unmarshal([]byte(s), &inner) == nil {
			n.collect("", inner)
		}
	case strings.HasPrefix(s, "arn:"):
		n.addARN(s)
	}
}

func (n names) addARN(arn string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return
	}
	n.arns[arn] = true
	resource := parts[5]
	switch {
	case parts[2] == "lambda" && strings.HasPrefix(resource, "function:"):
		name, _ := splitFunctionName(resource)
		n.functions[name] = true
	case parts[2] == "iam" && strings.HasPrefix(resource, "role/"):
		n.roles[resource[strings.LastIndex(resource, "/")+1:]] = true
	}
}

// survey finds the account, the regions and the resources of the recording.
// Lambda's own ARNs say most about both; others are asked when there are none.
func (r *Recording) survey() {
	lambda, all := arnCount{}, arnCount{}
	for key, list := range r.responses {
		for _, response := range list {
			maps.Copy(r.functions, response.names.functions)
			maps.Copy(r.roles, response.names.roles)
			for arn := range response.names.arns {
				parts := strings.SplitN(arn, ":", 6)
				all.add(parts[3], parts[4])
				if key.service == "lambda" && parts[2] == "lambda" {
					lambda.add(parts[3], parts[4])
				}
			}
		}
	}
	for _, count := range []arnCount{lambda, all} {
		if r.account == "" {
			r.account = count.account()
		}
		if len(r.regions) == 0 {
			r.regions = count.regions()
		}
	}
	if r.account == "" {
		r.account = "000000000000"
	}
	if len(r.regions) == 0 {
		r.regions = []string{"us-east-1"}
	}
}

// arnCount counts how often accounts and regions appear in ARNs.
type arnCount map[[2]string]int

func (c arnCount) add(region, account string) {
	if region != "" {
		c[[2]string{"region", region}]++
	}
	if account != "" && account != "aws" {
		c[[2]string{"account", account}]++
	}
}

// account is the most frequent one, the least of those as frequent.
func (c arnCount) account() string {
	best, most := "", 0
	for key, n := range c {
		if key[0] == "account" && (n > most || n == most && key[1] < best) {
			best, most = key[1], n
		}
	}
	return best
}

func (c arnCount) regions() []string {
	var regions []string
	for key := range c {
		if key[0] == "region" {
			regions = append(regions, key[1])
		}
	}
	slices.Sort(regions)
	return regions
}

// Account is the account that was recorded, by the ARNs in its responses; twelve
// zeros when there are none.
func (r *Recording) Account() string { return r.account }

// Regions are the regions that were recorded, by the ARNs in its responses;
// us-east-1 when there are none.
func (r *Recording) Regions() []string { return slices.Clone(r.regions) }

// Operations lists what was recorded, as "lambda.GetFunction".
func (r *Recording) Operations() []string {
	var list []string
	for key := range r.responses {
		list = append(list, key.service+"."+key.operation)
	}
	slices.Sort(list)
	return list
}

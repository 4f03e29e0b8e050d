package awssim

import (
	"fmt"
	"slices"
	"strings"
)

// optInRegions are regions that an account must ask for.
var optInRegions = []string{"af-south-1", "ap-east-1", "eu-south-1", "me-south-1"}

// regionsDescription lists regions: those enabled, and with AllRegions those
// that are not. An account has opted in where its world has something.
func regionsDescription() description {
	return description{
		operation: "DescribeRegions", list: "Regions", id: "RegionName", missing: "InvalidParameterValue", noun: "Invalid region name: %s",
		items:   regions,
		filters: map[string]string{"region-name": "RegionName", "endpoint": "Endpoint", "opt-in-status": "OptInStatus"},
	}
}

func regions(c *call) []obj {
	var list []obj
	add := func(name, status string) {
		list = append(list, obj{"RegionName": name, "Endpoint": "ec2." + name + ".amazonaws.com", "OptInStatus": status})
	}
	for _, r := range billingCodes {
		add(r[0], "opt-in-not-required")
	}
	for _, name := range optInRegions {
		switch {
		case c.home().Region(name) != nil:
			add(name, "opted-in")
		case c.boolean("AllRegions"):
			add(name, "not-opted-in")
		}
	}
	slices.SortFunc(list, func(a, b obj) int { return strings.Compare(fmt.Sprint(a["RegionName"]), fmt.Sprint(b["RegionName"])) })
	return list
}

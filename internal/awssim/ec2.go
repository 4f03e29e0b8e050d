package awssim

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
)

// ec2Service is EC2's network: descriptions share a bucket of a hundred requests
// that fills by twenty a second
// (https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
func ec2Service() *service {
	s := &service{
		name: "ec2", prefix: "ec2", protocol: ec2Query, target: "http://ec2.amazonaws.com/doc/2016-11-15/", xml: ec2Names(),
		messages: map[failure]string{
			failMissingAuth:  "AWS was not able to validate the provided access credentials",
			failUnknownKey:   "AWS was not able to validate the provided access credentials",
			failBadSignature: "AWS was not able to validate the provided access credentials",
			failSkewed:       "AWS was not able to validate the provided access credentials",
			failExpired:      "Request has expired.",
			failThrottled:    "Request limit exceeded.",
			failInternal:     "An internal error has occurred",
		},
		decorate: func(f failure, e *apiError) {
			if f == failDenied {
				e.message = "You are not authorized to perform this operation. " + e.message
			}
		},
		quotas: []quota{{name: "describe", perSecond: 20, burst: 100}},
	}
	for _, d := range append(descriptions(), regionsDescription()) {
		s.operations = append(s.operations, operation{
			name: d.operation, params: []param{{name: "MaxResults", min: 5, max: 1000}},
			run: func(c *call) (obj, error) { return d.run(c) },
		})
	}
	return s
}

// ec2Names are EC2's element names: those of its model with a small first
// letter, but for older ones and lists, which are called sets.
func ec2Names() *xmlNames {
	return &xmlNames{
		element:  ec2Element,
		item:     func(string) string { return "item" },
		flat:     func(string) bool { return false },
		mapping:  func(string) bool { return false },
		instants: isoMillis,
	}
}

func ec2Element(parent, member string) string {
	switch member {
	case "SecurityGroups":
		return "securityGroupInfo"
	case "Regions":
		return "regionInfo"
	case "UserIdGroupPairs":
		return "groups"
	case "Ipv6Addresses", "PrivateIpAddresses":
		return lowerFirst(member) + "Set"
	case "PayerResponsibilities":
		return "payerResponsibilitySet"
	case "DnsEntries":
		return "dnsEntrySet"
	case "Ipv4Prefixes", "Ipv6Prefixes", "IpPrefixes":
		return lowerFirst(strings.TrimSuffix(member, "es")) + "Set"
	case "NatGatewayAddresses":
		return "natGatewayAddressSet"
	case "AssociatedSubnets", "Associations", "AttachedAppliances", "Attachments", "Groups", "InternetGateways", "NatGateways",
		"NetworkInterfaceIds", "NetworkInterfaces", "PrivateDnsSpecifiedDomains", "PropagatingVgws", "RouteTableIds", "RouteTables",
		"Routes", "SecurityGroupRules", "SubnetIds", "Subnets", "Tags", "VpcEndpoints", "VpcPeeringConnections", "Vpcs":
		return lowerFirst(strings.TrimSuffix(member, "s")) + "Set"
	case "Endpoint":
		if parent == "Regions" {
			return "regionEndpoint"
		}
	case "Description":
		if parent == "SecurityGroups" {
			return "groupDescription"
		}
	}
	return lowerFirst(member)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return string(unicode.ToLower(rune(s[0]))) + s[1:]
}

// A description is one of EC2's Describe operations: what it lists, by which ids
// it may be asked, and where its filters look.
type description struct {
	operation string
	list      string // member of the answer
	id        string // member and parameter
	missing   string // error code for an id that does not exist
	noun      string // in that error: "The subnet ID '%s' does not exist"
	items     func(*call) []obj
	filters   map[string]string // name → path of members; [] goes through a list
}

// run answers a Describe operation.
func (d description) run(c *call) (obj, error) {
	if c.boolean("DryRun") {
		return nil, errorf(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	found, err := d.choose(c, d.items(c))
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 1000}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{d.list: items, "NextToken": next}), nil
}

// choose keeps what the request's ids and filters fit.
func (d description) choose(c *call, items []obj) ([]obj, error) {
	if ids := c.strings(d.id); len(ids) > 0 {
		for _, id := range ids {
			if !slices.ContainsFunc(items, func(o obj) bool { return o[d.id] == id }) {
				return nil, errorf(400, d.missing, d.noun, id)
			}
		}
		items = slices.DeleteFunc(slices.Clone(items), func(o obj) bool {
			id, _ := o[d.id].(string)
			return !slices.Contains(ids, id)
		})
	}
	for _, filter := range c.objects("Filter") {
		name, _ := filter["Name"].(string)
		path, ok := d.path(name)
		if !ok {
			return nil, c.fail(failValidation, "The filter '%s' is invalid", name)
		}
		values := stringList(filter["Value"])
		items = slices.DeleteFunc(slices.Clone(items), func(o obj) bool { return !fitsAny(valuesAt(o, path), values) })
	}
	return items, nil
}

// path is where a filter looks.
func (d description) path(filter string) (string, bool) {
	if key, ok := strings.CutPrefix(filter, "tag:"); ok {
		return "tag:" + key, true
	}
	if filter == "tag-key" {
		return "Tags[].Key", true
	}
	path, ok := d.filters[filter]
	return path, ok
}

// fitsAny reports whether one of the values fits one of the patterns.
func fitsAny(values, patterns []string) bool {
	return slices.ContainsFunc(values, func(v string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return wildcard(p, v) })
	})
}

// valuesAt collects what is at a path, as text.
func valuesAt(v any, path string) []string {
	if key, ok := strings.CutPrefix(path, "tag:"); ok {
		o, _ := v.(obj)
		for _, tag := range objects(o["Tags"]) {
			if tag["Key"] == key {
				return []string{fmt.Sprint(tag["Value"])}
			}
		}
		return nil
	}
	step, rest, more := strings.Cut(path, ".")
	o, _ := v.(obj)
	member := o[strings.TrimSuffix(step, "[]")]
	if member == nil {
		return nil
	}
	items, isList := listOf(member)
	if !isList {
		items = []any{member}
	}
	var values []string
	for _, item := range items {
		if more {
			values = append(values, valuesAt(item, rest)...)
		} else {
			values = append(values, fmt.Sprint(item))
		}
	}
	return values
}

// descriptions are the Describe operations.
func descriptions() []description {
	return []description{
		{
			operation: "DescribeSubnets", list: "Subnets", id: "SubnetId", missing: "InvalidSubnetID.NotFound",
			noun: "The subnet ID '%s' does not exist", items: subnets,
			filters: map[string]string{
				"subnet-id": "SubnetId", "vpc-id": "VpcId", "availability-zone": "AvailabilityZone", "cidr-block": "CidrBlock", "state": "State",
			},
		},
		{
			operation: "DescribeSecurityGroups", list: "SecurityGroups", id: "GroupId", missing: "InvalidGroup.NotFound",
			noun: "The security group '%s' does not exist", items: securityGroups,
			filters: map[string]string{
				"group-id": "GroupId", "group-name": "GroupName", "vpc-id": "VpcId", "description": "Description", "owner-id": "OwnerId",
				"ip-permission.group-id":        "IpPermissions[].UserIdGroupPairs[].GroupId",
				"ip-permission.cidr":            "IpPermissions[].IpRanges[].CidrIp",
				"ip-permission.protocol":        "IpPermissions[].IpProtocol",
				"egress.ip-permission.group-id": "IpPermissionsEgress[].UserIdGroupPairs[].GroupId",
				"egress.ip-permission.cidr":     "IpPermissionsEgress[].IpRanges[].CidrIp",
			},
		},
		{
			operation: "DescribeRouteTables", list: "RouteTables", id: "RouteTableId", missing: "InvalidRouteTableID.NotFound",
			noun: "The routeTable ID '%s' does not exist", items: routeTables,
			filters: map[string]string{
				"route-table-id": "RouteTableId", "vpc-id": "VpcId", "association.subnet-id": "Associations[].SubnetId",
				"association.main": "Associations[].Main", "route.nat-gateway-id": "Routes[].NatGatewayId", "route.gateway-id": "Routes[].GatewayId",
				"route.vpc-peering-connection-id": "Routes[].VpcPeeringConnectionId", "route.state": "Routes[].State",
			},
		},
		{
			operation: "DescribeNatGateways", list: "NatGateways", id: "NatGatewayId", missing: "NatGatewayNotFound",
			noun: "The Nat Gateway %s was not found", items: natGateways,
			filters: map[string]string{"nat-gateway-id": "NatGatewayId", "vpc-id": "VpcId", "subnet-id": "SubnetId", "state": "State"},
		},
		{
			operation: "DescribeVpcEndpoints", list: "VpcEndpoints", id: "VpcEndpointId", missing: "InvalidVpcEndpointId.NotFound",
			noun: "The Vpc Endpoint Id '%s' does not exist", items: vpcEndpoints,
			filters: map[string]string{
				"vpc-endpoint-id": "VpcEndpointId", "vpc-id": "VpcId", "service-name": "ServiceName", "vpc-endpoint-type": "VpcEndpointType",
				"vpc-endpoint-state": "State",
			},
		},
		{
			operation: "DescribeNetworkInterfaces", list: "NetworkInterfaces", id: "NetworkInterfaceId",
			missing: "InvalidNetworkInterfaceID.NotFound", noun: "The networkInterface ID '%s' does not exist", items: networkInterfaces,
			filters: map[string]string{
				"network-interface-id": "NetworkInterfaceId", "vpc-id": "VpcId", "subnet-id": "SubnetId", "group-id": "Groups[].GroupId",
				"interface-type": "InterfaceType", "status": "Status", "description": "Description", "requester-id": "RequesterId",
				"requester-managed": "RequesterManaged", "availability-zone": "AvailabilityZone", "private-ip-address": "PrivateIpAddress",
				"addresses.private-ip-address": "PrivateIpAddresses[].PrivateIpAddress",
			},
		},
		{
			operation: "DescribeVpcs", list: "Vpcs", id: "VpcId", missing: "InvalidVpcID.NotFound",
			noun: "The vpc ID '%s' does not exist", items: vpcs,
			filters: map[string]string{"vpc-id": "VpcId", "cidr": "CidrBlock", "state": "State", "is-default": "IsDefault"},
		},
		{
			operation: "DescribeVpcPeeringConnections", list: "VpcPeeringConnections", id: "VpcPeeringConnectionId",
			missing: "InvalidVpcPeeringConnectionID.NotFound", noun: "The vpcPeeringConnection ID '%s' does not exist", items: vpcPeerings,
			filters: map[string]string{
				"vpc-peering-connection-id": "VpcPeeringConnectionId", "status-code": "Status.Code",
				"requester-vpc-info.vpc-id": "RequesterVpcInfo.VpcId", "accepter-vpc-info.vpc-id": "AccepterVpcInfo.VpcId",
			},
		},
	}
}

// ec2Tags are a resource's tags as EC2 lists them.
func ec2Tags(tags map[string]string) []obj { return tagList(tags, "Key", "Value") }

func subnets(c *call) []obj {
	return mapOf(c.world().Subnets, func(s *Subnet) obj {
		return obj{
			"SubnetId": s.ID, "SubnetArn": c.arn("ec2", "subnet/"+s.ID), "VpcId": s.VPCID, "CidrBlock": s.CIDR, "OwnerId": c.account(),
			"AvailabilityZone": s.AvailabilityZone, "AvailableIpAddressCount": s.AvailableIPs, "State": "available", "DefaultForAz": false,
			"MapPublicIpOnLaunch": s.Public, "AssignIpv6AddressOnCreation": false, "Ipv6Native": false, "EnableDns64": false,
			"Tags": ec2Tags(s.Tags),
		}
	})
}

func securityGroups(c *call) []obj {
	return mapOf(c.world().SecurityGroups, func(g *SecurityGroup) obj {
		permissions := func(list []Permission) []obj {
			return mapOf(list, func(p Permission) obj { return permission(c, g, p) })
		}
		return obj{
			"GroupId": g.ID, "GroupName": g.Name, "Description": g.Description, "VpcId": g.VPCID, "OwnerId": c.account(),
			"SecurityGroupArn": c.arn("ec2", "security-group/"+g.ID), "IpPermissions": permissions(g.Ingress),
			"IpPermissionsEgress": permissions(g.Egress), "Tags": ec2Tags(g.Tags),
		}
	})
}

// permission is a rule in EC2's shape: none of the ports for all protocols.
func permission(c *call, g *SecurityGroup, p Permission) obj {
	protocol := strings.Replace(p.Protocol, "−", "-", 1)
	o := obj{"IpProtocol": protocol, "IpRanges": []obj{}, "Ipv6Ranges": []obj{}, "PrefixListIds": []obj{}}
	switch {
	case protocol == "-1":
	case p.FromPort < 0 && protocol != "icmp":
		o["FromPort"], o["ToPort"] = 0, 65535
	default:
		o["FromPort"], o["ToPort"] = p.FromPort, p.ToPort
	}
	for _, cidr := range p.CIDRs {
		list, member := "IpRanges", "CidrIp"
		if strings.Contains(cidr, ":") {
			list, member = "Ipv6Ranges", "CidrIpv6"
		}
		o[list] = append(o[list].([]obj), compact(obj{member: cidr, "Description": text(p.Description)}))
	}
	for _, id := range p.PrefixLists {
		o["PrefixListIds"] = append(o["PrefixListIds"].([]obj), compact(obj{"PrefixListId": id, "Description": text(p.Description)}))
	}
	o["UserIdGroupPairs"] = mapOf(p.Groups, func(r GroupRef) obj {
		pair := obj{"GroupId": r.GroupID, "UserId": c.account(), "Description": text(p.Description)}
		if r.PeeringID != "" {
			pair["VpcId"], pair["VpcPeeringConnectionId"], pair["PeeringStatus"] = r.VPCID, r.PeeringID, "active"
		}
		return compact(pair)
	})
	return o
}

func routeTables(c *call) []obj {
	return mapOf(c.world().RouteTables, func(t *RouteTable) obj {
		associations := []obj{}
		if t.Main {
			associations = append(associations, association(t, "", true))
		}
		for _, id := range t.SubnetIDs {
			associations = append(associations, association(t, id, false))
		}
		return obj{
			"RouteTableId": t.ID, "VpcId": t.VPCID, "OwnerId": c.account(), "Routes": mapOf(t.Routes, route), "Associations": associations,
			"PropagatingVgws": []obj{}, "Tags": ec2Tags(t.Tags),
		}
	})
}

func association(t *RouteTable, subnet string, main bool) obj {
	return compact(obj{
		"RouteTableAssociationId": derivedID("rtbassoc-", t.ID+subnet), "RouteTableId": t.ID, "SubnetId": text(subnet), "Main": main,
		"AssociationState": obj{"State": "associated"},
	})
}

// derivedID is an id of EC2's form that always is the same for the same parts.
func derivedID(prefix, parts string) string {
	h := fnv.New64a()
	h.Write([]byte(parts))
	return prefix + "0" + fmt.Sprintf("%016x", h.Sum64())
}

func route(r Route) obj {
	o := obj{"State": r.State, "Origin": r.Origin}
	if strings.HasPrefix(r.Destination, "pl-") {
		o["DestinationPrefixListId"] = r.Destination
	} else {
		o["DestinationCidrBlock"] = r.Destination
	}
	switch r.Kind {
	case RouteNAT:
		o["NatGatewayId"] = r.Target
	case RoutePeering:
		o["VpcPeeringConnectionId"] = r.Target
	default:
		o["GatewayId"] = r.Target
	}
	return o
}

func natGateways(c *call) []obj {
	return mapOf(c.world().NATGateways, func(n *NATGateway) obj {
		address := obj{
			"AllocationId": text(n.AllocationID), "PublicIp": text(n.PublicIP), "PrivateIp": n.PrivateIP, "NetworkInterfaceId": text(n.InterfaceID),
			"IsPrimary": true, "Status": "succeeded",
		}
		if n.AllocationID != "" {
			address["AssociationId"] = derivedID("eipassoc-", n.AllocationID)
		}
		return obj{
			"NatGatewayId": n.ID, "VpcId": n.VPCID, "SubnetId": n.SubnetID, "State": n.State, "ConnectivityType": n.Connectivity,
			"CreateTime": n.CreatedAt, "NatGatewayAddresses": []obj{compact(address)}, "Tags": ec2Tags(n.Tags),
		}
	})
}

func vpcEndpoints(c *call) []obj {
	names := groupNames(c.world())
	return mapOf(c.world().Endpoints, func(e *Endpoint) obj {
		return obj{
			"VpcEndpointId": e.ID, "VpcEndpointType": e.Type, "VpcId": e.VPCID, "ServiceName": e.ServiceName, "State": e.State,
			"RouteTableIds": e.RouteTableIDs, "SubnetIds": e.SubnetIDs, "NetworkInterfaceIds": e.InterfaceIDs,
			"Groups": groupsOf(e.SecurityGroupIDs, names), "PrivateDnsEnabled": e.Type == "Interface", "RequesterManaged": false,
			"CreationTimestamp": e.CreatedAt, "OwnerId": c.account(), "Tags": ec2Tags(e.Tags),
			"PolicyDocument": `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`,
		}
	})
}

// groupNames are the names of a region's security groups by id.
func groupNames(r *Region) map[string]string {
	names := make(map[string]string, len(r.SecurityGroups))
	for _, g := range r.SecurityGroups {
		names[g.ID] = g.Name
	}
	return names
}

func groupsOf(ids []string, names map[string]string) []obj {
	return mapOf(ids, func(id string) obj { return obj{"GroupId": id, "GroupName": names[id]} })
}

func networkInterfaces(c *call) []obj {
	names := groupNames(c.world())
	return mapOf(c.world().Interfaces, func(i *Interface) obj {
		return compact(obj{
			"NetworkInterfaceId": i.ID, "VpcId": i.VPCID, "SubnetId": i.SubnetID, "AvailabilityZone": i.AvailabilityZone, "InterfaceType": i.Type,
			"PrivateIpAddress": i.PrivateIP, "PrivateIpAddresses": []obj{{"PrivateIpAddress": i.PrivateIP, "Primary": true}},
			"Groups": groupsOf(i.SecurityGroupIDs, names), "Description": i.Description, "RequesterId": text(i.RequesterID),
			"RequesterManaged": i.RequesterManaged, "Status": i.Status, "OwnerId": c.account(), "MacAddress": macAddress(i.ID),
			"SourceDestCheck": true, "TagSet": []obj{},
		})
	})
}

// macAddress is always the same for the same interface.
func macAddress(id string) string {
	h := fnv.New64a()
	h.Write([]byte(id))
	sum := h.Sum64()
	parts := []string{"02"}
	for range 5 {
		parts = append(parts, fmt.Sprintf("%02x", byte(sum)))
		sum >>= 8
	}
	return strings.Join(parts, ":")
}

func vpcs(c *call) []obj {
	return mapOf(c.world().VPCs, func(v *VPC) obj {
		return obj{
			"VpcId": v.ID, "CidrBlock": v.CIDR, "State": "available", "OwnerId": c.account(), "IsDefault": false, "InstanceTenancy": "default",
			"DhcpOptionsId": derivedID("dopt-", c.region),
			"CidrBlockAssociationSet": []obj{{
				"AssociationId": derivedID("vpc-cidr-assoc-", v.ID), "CidrBlock": v.CIDR, "CidrBlockState": obj{"State": "associated"},
			}},
			"Tags": ec2Tags(v.Tags),
		}
	})
}

func vpcPeerings(c *call) []obj {
	side := func(id string) obj {
		o := obj{"VpcId": id, "OwnerId": c.account(), "Region": c.region}
		for _, v := range c.world().VPCs {
			if v.ID == id {
				o["CidrBlock"], o["CidrBlockSet"] = v.CIDR, []obj{{"CidrBlock": v.CIDR}}
			}
		}
		return o
	}
	return mapOf(c.world().Peerings, func(p *Peering) obj {
		return obj{
			"VpcPeeringConnectionId": p.ID, "RequesterVpcInfo": side(p.Requester), "AccepterVpcInfo": side(p.Accepter),
			"Status": obj{"Code": p.Status, "Message": strings.ToUpper(p.Status[:1]) + p.Status[1:]}, "Tags": ec2Tags(p.Tags),
		}
	})
}

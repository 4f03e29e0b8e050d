package awssim

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// stsService is the Security Token Service: 600 requests a second in an account
// and region (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html).
func stsService() *service {
	return &service{
		name: "sts", prefix: "sts", protocol: query, target: "https://sts.amazonaws.com/doc/2011-06-15/", xml: queryNames(),
		quotas: []quota{{name: "requests", perSecond: 600}},
		operations: []operation{
			{name: "GetCallerIdentity", free: true, run: getCallerIdentity},
			{
				name: "AssumeRole", run: assumeRole, resource: func(c *call) string { return c.str("RoleArn") },
				params: []param{
					{name: "RoleArn", required: true},
					{name: "RoleSessionName", required: true},
					{name: "DurationSeconds", min: 900, max: 43200},
				},
			},
		},
	}
}

func getCallerIdentity(c *call) (obj, error) {
	return obj{"Account": c.identity.Account, "Arn": c.identity.ARN, "UserId": c.identity.UserID}, nil
}

// assumeRole gives a session's keys for a role that exists and may be assumed.
// A role that does not exist is refused like one that may not.
func assumeRole(c *call) (obj, error) {
	arn, session := c.str("RoleArn"), c.str("RoleSessionName")
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "role/") {
		return nil, errorf(http.StatusBadRequest, "ValidationError", "%s is invalid", arn)
	}
	if !c.server.assumable(arn, c.str("ExternalId")) {
		return nil, c.refused()
	}
	name := parts[5][strings.LastIndex(parts[5], "/")+1:]
	roleID := "AROA" + randomKey(17)
	granted := Credential{
		AccessKeyID: "ASIA" + randomKey(16), SecretAccessKey: randomSecret(30), SessionToken: randomSecret(120),
		Expires: c.server.clock().Add(time.Duration(c.integer("DurationSeconds", 3600)) * time.Second).Truncate(time.Second),
		Identity: Identity{
			Account: parts[4], UserID: roleID + ":" + session,
			ARN: fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", parts[1], parts[4], name, session),
		},
	}
	c.server.grant(granted)
	return obj{
		"AssumedRoleUser": obj{"Arn": granted.Identity.ARN, "AssumedRoleId": granted.Identity.UserID},
		"Credentials": obj{
			"AccessKeyId": granted.AccessKeyID, "SecretAccessKey": granted.SecretAccessKey,
			"SessionToken": granted.SessionToken, "Expiration": granted.Expires,
		},
	}, nil
}

// assumable reports whether the role is one that the options or the world of its
// account know, and the external id is the one that the account asks for, if any.
func (s *Server) assumable(arn, externalID string) bool {
	account := strings.Split(arn, ":")[4]
	world := s.worlds[account]
	if world == nil && account != s.identity.Account {
		return false
	}
	if world != nil && world.ExternalID != "" && world.ExternalID != externalID {
		return false
	}
	return slices.Contains(s.options.AssumeRoles, arn) || world != nil && world.Role(arn) != nil
}

// randomKey is n characters as key ids have them.
func randomKey(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // documented never to fail
	return base32.StdEncoding.EncodeToString(raw)[:n]
}

// randomSecret is n bytes in base64.
func randomSecret(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // documented never to fail
	return base64.StdEncoding.EncodeToString(raw)
}

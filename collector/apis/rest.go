package apis

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// readREST reads the REST APIs, and reports whether all of them were listed.
func (a *reader) readREST(ctx context.Context) (listed bool, _ error) {
	var list []api
	malformed := false
	err := collect.Pages(ctx, "apigateway:GetRestApis", func(ctx context.Context, position *string) (*string, error) {
		out, err := a.rest.GetRestApis(ctx, &apigateway.GetRestApisInput{Position: position, Limit: aws.Int32(500)})
		if err != nil {
			return nil, failed("list REST APIs", err)
		}
		for _, item := range out.Items {
			if aws.ToString(item.Id) == "" {
				malformed = true
				continue
			}
			of := a.api(*item.Id, aws.ToString(item.Name), "REST")
			if c := item.EndpointConfiguration; c != nil {
				of.vpcEndpoints = c.VpcEndpointIds
				if len(c.Types) > 0 {
					of.endpoint = string(c.Types[0])
				}
			}
			list = append(list, of)
		}
		return out.Position, nil
	})
	if err == nil && malformed {
		err = errors.New("a REST API lacks its id")
	}
	if collect.Stop(err) {
		return false, err
	}
	if err != nil {
		a.unlisted(err)
	}
	return err == nil, a.each(ctx, list, a.restRoutes, a.restStages)
}

// restRoutes are the methods of an API's resources. The authorizers are asked
// only where a method has one of its own.
func (a *reader) restRoutes(ctx context.Context, of api) ([]schema.APIRoute, error) {
	var rows []schema.APIRoute
	authorizers := map[int]string{} // row → id
	err := collect.Pages(ctx, "apigateway:GetResources", func(ctx context.Context, position *string) (*string, error) {
		out, err := a.rest.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: &of.id, Position: position, Limit: aws.Int32(500), Embed: []string{"methods"}})
		if err != nil {
			return nil, failed("list resources", err)
		}
		for _, resource := range out.Items {
			for _, name := range slices.Sorted(maps.Keys(resource.ResourceMethods)) {
				method := resource.ResourceMethods[name]
				if id := aws.ToString(method.AuthorizerId); id != "" && aws.ToString(method.AuthorizationType) == "CUSTOM" {
					authorizers[len(rows)] = id
				}
				rows = append(rows, a.method(of, name+" "+aws.ToString(resource.Path), method))
			}
		}
		return out.Position, nil
	})
	if err != nil || len(authorizers) == 0 {
		return rows, err
	}
	functions, err := a.restAuthorizers(ctx, of)
	for i, id := range authorizers {
		rows[i].AuthorizerARN = functions[id]
	}
	return rows, err
}

func (a *reader) method(of api, key string, m types.Method) schema.APIRoute {
	row := a.route(of, key)
	row.Authorization, row.APIKeyRequired = cmp.Or(aws.ToString(m.AuthorizationType), "NONE"), aws.ToBool(m.ApiKeyRequired)
	if i := m.MethodIntegration; i != nil {
		row.IntegrationType = string(i.Type)
		if i.TimeoutInMillis > 0 {
			row.TimeoutMS = aws.Int64(int64(i.TimeoutInMillis))
		}
		answeredBy(&row, aws.ToString(i.Uri))
	}
	return row
}

// restAuthorizers are the functions of an API's authorizers, by id.
func (a *reader) restAuthorizers(ctx context.Context, of api) (map[string]string, error) {
	functions := map[string]string{}
	err := collect.Pages(ctx, "apigateway:GetAuthorizers", func(ctx context.Context, position *string) (*string, error) {
		out, err := a.rest.GetAuthorizers(ctx, &apigateway.GetAuthorizersInput{RestApiId: &of.id, Position: position, Limit: aws.Int32(500)})
		if err != nil {
			return nil, failed("list authorizers", err)
		}
		for _, item := range out.Items {
			functions[aws.ToString(item.Id)] = invoked(aws.ToString(item.AuthorizerUri))
		}
		return out.Position, nil
	})
	return functions, err
}

func (a *reader) restStages(ctx context.Context, of api) ([]schema.APIStage, error) {
	out, err := a.rest.GetStages(ctx, &apigateway.GetStagesInput{RestApiId: &of.id})
	if err != nil {
		return nil, failed("list stages", err)
	}
	rows := make([]schema.APIStage, 0, len(out.Item))
	for _, s := range out.Item {
		row := a.stage(of, aws.ToString(s.StageName))
		row.Tracing, row.WebACLARN = s.TracingEnabled, aws.ToString(s.WebAclArn)
		if s.CacheClusterEnabled {
			row.Caching, row.CacheGB = true, string(s.CacheClusterSize)
		}
		if l := s.AccessLogSettings; l != nil {
			row.AccessLogARN = aws.ToString(l.DestinationArn)
		}
		if m, ok := s.MethodSettings["*/*"]; ok { // those of the whole stage
			row.LoggingLevel, row.LogsData = aws.ToString(m.LoggingLevel), m.DataTraceEnabled
			row.ThrottleRate, row.ThrottleBurst = aws.Float64(m.ThrottlingRateLimit), aws.Int64(int64(m.ThrottlingBurstLimit))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

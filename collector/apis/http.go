package apis

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var most = aws.String("500") // items of a page: this API spells numbers as text

// readHTTP reads the HTTP and WebSocket APIs, and reports whether all of them
// were listed.
func (a *reader) readHTTP(ctx context.Context) (listed bool, _ error) {
	var list []api
	malformed := false
	err := collect.Pages(ctx, "apigateway:GetApis", func(ctx context.Context, token *string) (*string, error) {
		out, err := a.http.GetApis(ctx, &apigatewayv2.GetApisInput{NextToken: token, MaxResults: most})
		if err != nil {
			return nil, failed("list HTTP and WebSocket APIs", err)
		}
		for i := range out.Items {
			item := &out.Items[i]
			if aws.ToString(item.ApiId) == "" {
				malformed = true
				continue
			}
			of := a.api(*item.ApiId, aws.ToString(item.Name), string(item.ProtocolType))
			of.endpoint = "REGIONAL" // there is no other
			list = append(list, of)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("an API lacks its id")
	}
	if collect.Stop(err) {
		return false, err
	}
	if err != nil {
		a.unlisted(err)
	}
	return err == nil, a.each(ctx, list, a.httpRoutes, a.httpStages)
}

// httpRoutes are an API's routes with what answers them. The authorizers are
// asked only where a route has one of its own.
func (a *reader) httpRoutes(ctx context.Context, of api) ([]schema.APIRoute, error) {
	integrations, err := a.integrations(ctx, of)
	if err != nil {
		return nil, err
	}
	var rows []schema.APIRoute
	authorizers := map[int]string{} // row → id
	err = collect.Pages(ctx, "apigateway:GetRoutes", func(ctx context.Context, token *string) (*string, error) {
		out, err := a.http.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: &of.id, NextToken: token, MaxResults: most})
		if err != nil {
			return nil, failed("list routes", err)
		}
		for i := range out.Items {
			r := &out.Items[i]
			row := a.route(of, aws.ToString(r.RouteKey))
			row.Authorization, row.APIKeyRequired = cmp.Or(string(r.AuthorizationType), "NONE"), aws.ToBool(r.ApiKeyRequired)
			if integration, ok := integrations[strings.TrimPrefix(aws.ToString(r.Target), "integrations/")]; ok {
				row.IntegrationType, row.TimeoutMS = string(integration.IntegrationType), collect.Wide(integration.TimeoutInMillis)
				answeredBy(&row, aws.ToString(integration.IntegrationUri))
			}
			if id := aws.ToString(r.AuthorizerId); id != "" && r.AuthorizationType == types.AuthorizationTypeCustom {
				authorizers[len(rows)] = id
			}
			rows = append(rows, row)
		}
		return out.NextToken, nil
	})
	if err != nil || len(authorizers) == 0 {
		return rows, err
	}
	functions, err := a.httpAuthorizers(ctx, of)
	for i, id := range authorizers {
		rows[i].AuthorizerARN = functions[id]
	}
	return rows, err
}

// integrations are an API's, by id.
func (a *reader) integrations(ctx context.Context, of api) (map[string]types.Integration, error) {
	byID := map[string]types.Integration{}
	err := collect.Pages(ctx, "apigateway:GetIntegrations", func(ctx context.Context, token *string) (*string, error) {
		out, err := a.http.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: &of.id, NextToken: token, MaxResults: most})
		if err != nil {
			return nil, failed("list integrations", err)
		}
		for i := range out.Items {
			byID[aws.ToString(out.Items[i].IntegrationId)] = out.Items[i]
		}
		return out.NextToken, nil
	})
	return byID, err
}

// httpAuthorizers are the functions of an API's authorizers, by id.
func (a *reader) httpAuthorizers(ctx context.Context, of api) (map[string]string, error) {
	functions := map[string]string{}
	err := collect.Pages(ctx, "apigateway:GetAuthorizers", func(ctx context.Context, token *string) (*string, error) {
		out, err := a.http.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: &of.id, NextToken: token, MaxResults: most})
		if err != nil {
			return nil, failed("list authorizers", err)
		}
		for i := range out.Items {
			functions[aws.ToString(out.Items[i].AuthorizerId)] = invoked(aws.ToString(out.Items[i].AuthorizerUri))
		}
		return out.NextToken, nil
	})
	return functions, err
}

func (a *reader) httpStages(ctx context.Context, of api) ([]schema.APIStage, error) {
	var rows []schema.APIStage
	err := collect.Pages(ctx, "apigateway:GetStages", func(ctx context.Context, token *string) (*string, error) {
		out, err := a.http.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: &of.id, NextToken: token, MaxResults: most})
		if err != nil {
			return nil, failed("list stages", err)
		}
		for i := range out.Items {
			s := &out.Items[i]
			row := a.stage(of, aws.ToString(s.StageName))
			row.AutoDeploy = aws.ToBool(s.AutoDeploy)
			if l := s.AccessLogSettings; l != nil {
				row.AccessLogARN = aws.ToString(l.DestinationArn)
			}
			if d := s.DefaultRouteSettings; d != nil {
				row.ThrottleRate, row.ThrottleBurst = d.ThrottlingRateLimit, collect.Wide(d.ThrottlingBurstLimit)
				row.LoggingLevel, row.LogsData = string(d.LoggingLevel), aws.ToBool(d.DataTraceEnabled)
			}
			rows = append(rows, row)
		}
		return out.NextToken, nil
	})
	return rows, err
}

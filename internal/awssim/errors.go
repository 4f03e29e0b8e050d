package awssim

import (
	"fmt"
	"net/http"
)

// apiError is an error as a service returns it.
type apiError struct {
	status    int
	code      string // the error shape's name, or Query's Code
	message   string
	queryCode string // x-amzn-query-error of services that once spoke Query
	receiver  bool   // the fault is the service's, not the sender's
	extra     obj    // further members of the error's body
	header    map[string]string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// failure is a way a request fails that every service has its own words for.
type failure int

const (
	failDenied failure = iota
	failThrottled
	failMissingAuth
	failIncompleteSignature
	failUnknownKey
	failBadSignature
	failSkewed
	failExpired
	failUnknownOperation
	failMalformed  // the body cannot be read
	failValidation // a parameter breaks a constraint
	failBadToken   // a page token that is not of this request
	failInternal
	failUnavailable
)

// wording is the code and status a service gives to a failure.
type wording struct {
	status    int
	code      string
	queryCode string
}

// defaultMessages are the texts most services use; empty ones are the caller's.
func defaultMessage(f failure) string {
	switch f {
	case failThrottled:
		return "Rate exceeded"
	case failMissingAuth:
		return "Missing Authentication Token"
	case failUnknownKey:
		return "The security token included in the request is invalid."
	case failBadSignature:
		return "The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	case failExpired:
		return "The security token included in the request is expired"
	case failInternal:
		return "We encountered an internal error. Please try again."
	case failUnavailable:
		return "Service is unable to handle request."
	default:
		return ""
	}
}

// words says how a protocol's services put a failure, before what is the
// service's own.
func (p protocol) words(f failure) wording {
	switch p {
	case restJSON:
		return restJSONWords(f)
	case query:
		return queryWords(f)
	case ec2Query:
		return ec2Words(f)
	case restXML:
		return s3Words(f)
	case rpcCBOR:
		return cborWords(f)
	default:
		return jsonWords(f)
	}
}

func jsonWords(f failure) wording {
	switch f {
	case failDenied:
		return wording{status: 400, code: "AccessDeniedException"}
	case failThrottled:
		return wording{status: 400, code: "ThrottlingException"}
	case failMissingAuth:
		return wording{status: 400, code: "MissingAuthenticationTokenException"}
	case failIncompleteSignature:
		return wording{status: 400, code: "IncompleteSignatureException"}
	case failUnknownKey:
		return wording{status: 400, code: "UnrecognizedClientException"}
	case failBadSignature, failSkewed:
		return wording{status: 400, code: "InvalidSignatureException"}
	case failExpired:
		return wording{status: 400, code: "ExpiredTokenException"}
	case failUnknownOperation:
		return wording{status: 400, code: "UnknownOperationException"}
	case failMalformed:
		return wording{status: 400, code: "SerializationException"}
	case failValidation, failBadToken:
		return wording{status: 400, code: "ValidationException"}
	case failInternal:
		return wording{status: 500, code: "InternalFailure"}
	default:
		return wording{status: 503, code: "ServiceUnavailableException"}
	}
}

// restJSONWords is Lambda's way: the codes of JSON, with meaningful statuses.
func restJSONWords(f failure) wording {
	w := jsonWords(f)
	switch f {
	case failDenied, failMissingAuth, failIncompleteSignature, failUnknownKey, failBadSignature, failSkewed, failExpired:
		w.status = 403
	case failThrottled:
		return wording{status: 429, code: "TooManyRequestsException"}
	case failUnknownOperation:
		w.status = 404
	case failMalformed:
		w.code = "InvalidRequestContentException"
	case failBadToken:
		w.code = "InvalidParameterValueException"
	case failInternal:
		w.code = "ServiceException"
	default: // as JSON's
	}
	return w
}

func queryWords(f failure) wording {
	switch f {
	case failDenied:
		return wording{status: 403, code: "AccessDenied"}
	case failThrottled:
		return wording{status: 400, code: "Throttling"}
	case failMissingAuth:
		return wording{status: 403, code: "MissingAuthenticationToken"}
	case failIncompleteSignature:
		return wording{status: 400, code: "IncompleteSignature"}
	case failUnknownKey:
		return wording{status: 403, code: "InvalidClientTokenId"}
	case failBadSignature, failSkewed:
		return wording{status: 403, code: "SignatureDoesNotMatch"}
	case failExpired:
		return wording{status: 403, code: "ExpiredToken"}
	case failUnknownOperation:
		return wording{status: 400, code: "InvalidAction"}
	case failMalformed:
		return wording{status: 400, code: "MalformedInput"}
	case failValidation, failBadToken:
		return wording{status: 400, code: "ValidationError"}
	case failInternal:
		return wording{status: 500, code: "InternalFailure"}
	default:
		return wording{status: 503, code: "ServiceUnavailable"}
	}
}

// ec2Words: EC2 does not tell wrong keys from wrong signatures.
func ec2Words(f failure) wording {
	switch f {
	case failDenied:
		return wording{status: 403, code: "UnauthorizedOperation"}
	case failThrottled:
		return wording{status: 503, code: "RequestLimitExceeded"}
	case failMissingAuth, failUnknownKey, failBadSignature, failSkewed:
		return wording{status: 401, code: "AuthFailure"}
	case failIncompleteSignature:
		return wording{status: 400, code: "IncompleteSignature"}
	case failExpired:
		return wording{status: 400, code: "RequestExpired"}
	case failUnknownOperation:
		return wording{status: 400, code: "InvalidAction"}
	case failMalformed:
		return wording{status: 400, code: "MalformedQueryString"}
	case failValidation:
		return wording{status: 400, code: "InvalidParameterValue"}
	case failBadToken:
		return wording{status: 400, code: "InvalidNextToken"}
	case failInternal:
		return wording{status: 500, code: "InternalError"}
	default:
		return wording{status: 503, code: "Unavailable"}
	}
}

func s3Words(f failure) wording {
	switch f {
	case failDenied, failMissingAuth, failUnknownOperation: // what is not simulated is not permitted
		return wording{status: 403, code: "AccessDenied"}
	case failThrottled:
		return wording{status: 503, code: "SlowDown"}
	case failIncompleteSignature:
		return wording{status: 400, code: "AuthorizationHeaderMalformed"}
	case failUnknownKey:
		return wording{status: 403, code: "InvalidAccessKeyId"}
	case failBadSignature:
		return wording{status: 403, code: "SignatureDoesNotMatch"}
	case failSkewed:
		return wording{status: 403, code: "RequestTimeTooSkewed"}
	case failExpired:
		return wording{status: 400, code: "ExpiredToken"}
	case failMalformed, failValidation, failBadToken:
		return wording{status: 400, code: "InvalidArgument"}
	case failInternal:
		return wording{status: 500, code: "InternalError"}
	default:
		return wording{status: 503, code: "ServiceUnavailable"}
	}
}

// cborWords: CloudWatch spoke Query before and still names Query's codes.
func cborWords(f failure) wording {
	w, q := jsonWords(f), queryWords(f)
	w.status, w.queryCode = q.status, q.code
	switch f {
	case failUnknownOperation:
		return wording{status: 404, code: "UnknownOperationException"}
	case failMalformed:
		w.queryCode = "MalformedInput"
	case failBadToken:
		w.code, w.queryCode = "InvalidNextToken", "InvalidNextToken"
	case failInternal:
		w.code, w.queryCode = "InternalServiceFault", "InternalServiceError"
	default: // JSON's code and Query's
	}
	return w
}

// fail is a failure in the service's words. An empty message takes the usual text.
func (s *service) fail(f failure, format string, args ...any) *apiError {
	w := s.protocol.words(f)
	if own, ok := s.words[f]; ok {
		w = own
	}
	message := defaultMessage(f)
	if own, ok := s.messages[f]; ok {
		message = own
	}
	if format != "" {
		message = fmt.Sprintf(format, args...)
	}
	e := &apiError{
		status: w.status, code: w.code, message: message, queryCode: w.queryCode,
		receiver: w.status >= http.StatusInternalServerError,
	}
	if s.decorate != nil {
		s.decorate(f, e)
	}
	return e
}

// errorf is an error of the service's own, such as ResourceNotFoundException.
func errorf(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// asAPIError is err for the wire: what a handler did not say in the service's
// words is the service's internal failure.
func (s *service) asAPIError(err error) *apiError {
	if e, ok := err.(*apiError); ok { //nolint:errorlint // handlers return it unwrapped; anything wrapped is a defect of ours
		return e
	}
	return s.fail(failInternal, "%v", err)
}

package remote

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/kamflow/kamflow/service"
	"github.com/kamflow/kamflow/service/routes"
)

// Login asks one of the places in service/routes by which programs sign in and out.
// It is asked once: what it makes would be made twice.
func (s *Service) Login(ctx context.Context, place string, asked routes.LoginAsked) (answer routes.LoginAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	b, err := json.Marshal(asked)
	if err != nil {
		return answer, fmt.Errorf("write the request: %w", err)
	}
	_, err = s.once(ctx, service.Principal{}, request{method: http.MethodPost, path: place, body: b, header: http.Header{}}, &answer)
	return answer, err
}

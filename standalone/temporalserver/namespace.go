package temporalserver

import (
	"context"
	"time"

	"github.com/kamflow/kamflow/internal/namespace"
)

// prepareNamespace makes what a case needs and waits until all services know
// of it: a new namespace or attribute is not seen at once everywhere.
func (s *Server) prepareNamespace(ctx context.Context) error {
	c, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer c.Close()

	made, err := namespace.Setup(ctx, c, s.opts.Namespace, s.opts.Retention, s.opts.SearchAttributes)
	if err != nil || !made {
		return err
	}
	// The frontend knows them. The others, who cannot be asked, look as often.
	select {
	case <-time.After(refresh):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

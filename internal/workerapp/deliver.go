package workerapp

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/text"
	"github.com/kamflow/kamflow/kam"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// A Notice is a message of the outbox as it leaves. Its ID is the same at each
// attempt, so that a receiver can tell a repetition.
type Notice struct {
	ID      string            `json:"id"`
	Kind    string            `json:"type"`
	CaseNo  string            `json:"subject"` // the id of what it is about, as in the trail
	About   ledger.Kind       `json:"-"`       // what that is
	At      time.Time         `json:"time"`
	To      []Recipient       `json:"to,omitempty"`
	Title   string            `json:"title"`
	Data    map[string]string `json:"data,omitempty"`
	Attempt int               `json:"-"`
	Said    *kam.Text         `json:"-"` // the title, for mail in another language
}

// A Recipient is a person who is told.
type Recipient struct {
	UserID string `json:"user_id"`
	Name   string `json:"name,omitempty"`
	Email  string `json:"-"` // of use to mail only
}

// A Deliverer takes a notice out of the house. The same notice may come again.
type Deliverer interface {
	Deliver(ctx context.Context, n Notice) error
}

// errHopeless marks a delivery that no further attempt can bring about.
var errHopeless = errors.New("not deliverable")

// NewDeliverer is the channel that the configuration names; mails are in the
// language of words.
func NewDeliverer(cfg config.Notify, words *text.Printer, log *zap.Logger) (Deliverer, error) {
	switch cfg.Channel {
	case config.ChannelMail:
		return newMailer(cfg, words)
	case config.ChannelWebhook:
		return newWebhook(cfg), nil
	default:
		return logged{log}, nil
	}
}

// logged writes notices to the log, for a machine that tells nobody else.
type logged struct{ log *zap.Logger }

func (l logged) Deliver(_ context.Context, n Notice) error {
	l.log.Info("notice", zap.String("id", n.ID), zap.String("type", n.Kind), zap.String("case_no", n.CaseNo), zap.Int("recipients", len(n.To)))
	return nil
}

// webhook posts notices as CloudEvents, signed.
type webhook struct {
	cfg    config.Webhook
	client *http.Client
}

func newWebhook(cfg config.Notify) *webhook {
	return &webhook{cfg: cfg.Webhook, client: &http.Client{
		Timeout: cfg.Timeout,
		// A redirect would carry signed events to an address that nobody
		// configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

type cloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject,omitempty"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        any       `json:"data"`
}

func (w *webhook) Deliver(ctx context.Context, n Notice) error {
	body, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: n.ID, Source: "/kamflow", Type: n.Kind, Subject: n.CaseNo, Time: n.At,
		ContentType: "application/json",
		Data:        map[string]any{"title": n.Title, "to": n.To, "facts": n.Data},
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errHopeless, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errHopeless, err)
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("Idempotency-Key", n.ID)
	req.Header.Set("Webhook-Timestamp", now)
	req.Header.Set("Webhook-Signature", "v1="+Sign(w.cfg.Secret.Reveal(), n.ID, now, body))
	resp, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("post event: %w", err)
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return fmt.Errorf("read answer of webhook: %w", err)
	}
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300, resp.StatusCode == http.StatusConflict:
		return nil // 409: the receiver has this id already
	case resp.StatusCode == http.StatusGone:
		return fmt.Errorf("%w: the webhook is gone (410)", errHopeless)
	default:
		return fmt.Errorf("webhook answers %s", resp.Status)
	}
}

// Sign is the hexadecimal HMAC-SHA-256 over id, time and body, with dots
// between, that a receiver checks.
func Sign(secret, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// mailer sends notices by SMTP, one message for each person, so that nobody
// sees who else was told.
type mailer struct {
	from   string
	client *mail.Client
	words  *text.Printer
}

func newMailer(cfg config.Notify, words *text.Printer) (*mailer, error) {
	policy := map[string]mail.TLSPolicy{"mandatory": mail.TLSMandatory, "opportunistic": mail.TLSOpportunistic, "none": mail.NoTLS}[cfg.Mail.TLS]
	opts := []mail.Option{mail.WithPort(cfg.Mail.Port), mail.WithTLSPolicy(policy), mail.WithTimeout(cfg.Timeout)}
	if cfg.Mail.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(cfg.Mail.User), mail.WithPassword(cfg.Mail.Password.Reveal()))
	}
	c, err := mail.NewClient(cfg.Mail.Host, opts...)
	if err != nil {
		return nil, fmt.Errorf("set up mail: %w", err)
	}
	return &mailer{from: cfg.Mail.From, client: c, words: words}, nil
}

func (m *mailer) Deliver(ctx context.Context, n Notice) error {
	var msgs []*mail.Msg
	for _, to := range n.To {
		if to.Email == "" {
			continue
		}
		msg, err := m.message(n, to)
		if err != nil {
			return fmt.Errorf("%w: %w", errHopeless, err)
		}
		msgs = append(msgs, msg)
	}
	if len(msgs) == 0 {
		return nil
	}
	if err := m.client.DialAndSendWithContext(ctx, msgs...); err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}

func (m *mailer) message(n Notice, to Recipient) (*mail.Msg, error) {
	msg := mail.NewMsg()
	if err := msg.From(m.from); err != nil {
		return nil, err
	}
	if err := msg.To(to.Email); err != nil {
		return nil, err
	}
	msg.SetMessageIDWithValue(n.ID + "." + to.UserID + "@kamflow")
	msg.SetDateWithValue(n.At)
	msg.Subject(m.subjectOf(n))
	msg.SetBodyString(mail.TypeTextPlain, m.bodyOf(n))
	return msg, nil
}

// subjectOf names what the notice is about, unless its title does.
func (m *mailer) subjectOf(n Notice) string {
	name := n.CaseNo
	if _, no, ok := strings.Cut(n.CaseNo, "/"); ok {
		name = no // "customer/C-000012", "import/B-000001"
	}
	if n.About == accessdb.Kind || strings.Contains(n.Title, name) {
		return m.title(n)
	}
	return m.words.Sentence(kam.Say("%s: %s", name, m.title(n)))
}

// title is the title in the language of the mails.
func (m *mailer) title(n Notice) string {
	if n.Said == nil {
		return m.words.Note(n.Title)
	}
	return m.words.Sentence(kam.Sentence{English: n.Title, Text: n.Said})
}

// bodyOf says where the subject of a notice stands, as far as it stands
// anywhere, and how to see it.
func (m *mailer) bodyOf(n Notice) string {
	no := n.CaseNo[strings.LastIndex(n.CaseNo, "/")+1:]
	var stands, see string
	switch n.About {
	case casedb.Kind:
		stands, see = m.words.Say("mail.case", no, n.Data["state"], n.Data["step_code"]), "starter show "+no
	case bookdb.Kind:
		stands, see = m.words.Say("mail.import", no, n.Data["state"]), "starter batch show "+no
	case customerdb.Kind:
		see = "starter customer show " + no
	default:
		see = "starter inbox"
	}
	if stands != "" {
		stands += "\n\n"
	}
	return m.title(n) + "\n\n" + stands + m.words.Say("mail.see", see) + "\n"
}

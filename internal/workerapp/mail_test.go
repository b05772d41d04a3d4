package workerapp

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/text"
	accessdb "github.com/kamflow/kamflow/store/access"
	bookdb "github.com/kamflow/kamflow/store/book"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/ledger"
	casedb "github.com/kamflow/kamflow/store/onboarding"
)

// smtp takes one connection and hands back what was said.
func smtp(t *testing.T) (port int, said <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	out := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close() //nolint:errcheck // the test is over
		var all strings.Builder
		in := bufio.NewScanner(conn)
		fmt.Fprint(conn, "220 test\r\n")
		for data := false; in.Scan(); {
			line := in.Text()
			all.WriteString(line + "\n")
			switch {
			case data && line == ".":
				data = false
				fmt.Fprint(conn, "250 taken\r\n")
			case data:
			case strings.HasPrefix(line, "EHLO"):
				fmt.Fprint(conn, "250-test\r\n250 8BITMIME\r\n")
			case line == "DATA":
				data = true
				fmt.Fprint(conn, "354 go on\r\n")
			case line == "QUIT":
				fmt.Fprint(conn, "221 bye\r\n")
				out <- all.String()
				return
			default:
				fmt.Fprint(conn, "250 ok\r\n")
			}
		}
	}()
	return l.Addr().(*net.TCPAddr).Port, out
}

func TestMail(t *testing.T) {
	t.Parallel()
	port, said := smtp(t)
	cfg := config.Defaults().Notify
	cfg.Channel = config.ChannelMail
	cfg.Mail = config.Mail{Host: "127.0.0.1", Port: port, From: "kamflow@example.com", TLS: "none"}
	d, err := NewDeliverer(cfg, text.English(), zap.NewNop())
	require.NoError(t, err)

	n := Notice{
		ID: "KAM-2026-000001/3/1", CaseNo: "KAM-2026-000001", At: time.Now(), Title: "A confirmation waits for you",
		Data: map[string]string{"state": "AWAITING_CONFIRMATION", "step_code": "1.1.5"},
		To:   []Recipient{{UserID: "tom", Email: "tom@example.com"}, {UserID: "uta", Email: "uta@example.com"}, {UserID: "nomail"}},
	}
	require.NoError(t, d.Deliver(t.Context(), n))
	text := <-said
	require.Contains(t, text, "RCPT TO:<tom@example.com>")
	require.Contains(t, text, "RCPT TO:<uta@example.com>")
	require.Contains(t, text, "Subject: KAM-2026-000001: A confirmation waits for you")
	require.Contains(t, text, "Message-ID: <KAM-2026-000001/3/1.tom@kamflow>")
	require.Equal(t, 2, strings.Count(text, "DATA\n"))

	n.To = []Recipient{{UserID: "nomail"}}
	require.NoError(t, d.Deliver(t.Context(), n))
	n.To = []Recipient{{UserID: "odd", Email: "not an address"}}
	require.ErrorIs(t, d.Deliver(t.Context(), n), errHopeless)
}

// TestMailSaysWhatItIsAbout: a notice of anything but a case names no case.
func TestMailSaysWhatItIsAbout(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind                        ledger.Kind
		about, title, subject, body string
	}{
		{casedb.Kind, "KAM-2026-000001", "it waits for you", "KAM-2026-000001: it waits for you", "it waits for you\n\nCase KAM-2026-000001 is DRAFT (step 1.1.1).\n\nSee it with: starter show KAM-2026-000001\n"},
		{bookdb.Kind, "import/B-000001", "B-000001 waits for you", "B-000001 waits for you", "B-000001 waits for you\n\nImport B-000001 is DRAFT.\n\nSee it with: starter batch show B-000001\n"},
		{customerdb.Kind, "customer/C-000012", "not to be called on", "C-000012: not to be called on", "not to be called on\n\nSee it with: starter customer show C-000012\n"},
		{accessdb.Kind, "org", "tom has left", "tom has left", "tom has left\n\nSee it with: starter inbox\n"},
	} {
		m := &mailer{words: text.English()}
		n := Notice{CaseNo: tt.about, About: tt.kind, Title: tt.title, Data: map[string]string{"state": "DRAFT", "step_code": "1.1.1"}}
		require.Equal(t, tt.subject, m.subjectOf(n))
		require.Equal(t, tt.body, m.bodyOf(n))
	}
}

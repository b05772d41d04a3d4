package races

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	sdk "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/kamflow/kamflow/config"
	"github.com/kamflow/kamflow/internal/demo"
	"github.com/kamflow/kamflow/internal/namespace"
	"github.com/kamflow/kamflow/internal/pgserver/pgtest"
	"github.com/kamflow/kamflow/internal/workerapp"
	"github.com/kamflow/kamflow/kam"
	"github.com/kamflow/kamflow/kam/customer"
	"github.com/kamflow/kamflow/kam/rules/policy"
	"github.com/kamflow/kamflow/kam/signed/signedtest"
	"github.com/kamflow/kamflow/service/servicetest"
	"github.com/kamflow/kamflow/standalone/stack"
	"github.com/kamflow/kamflow/store"
	accessdb "github.com/kamflow/kamflow/store/access"
	customerdb "github.com/kamflow/kamflow/store/customer"
	"github.com/kamflow/kamflow/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// A rig is the running product with the organisation of these tests.
type rig struct {
	db     *store.Store
	sql    *pgxpool.Pool // reads what the store has no method for
	sdk    sdk.Client
	client *servicetest.People

	plain    customer.RequestData // with all details: no key account
	endorsed customer.RequestData // a key account of one territory
	sales    []customerdb.SalesFact
}

func open(t *testing.T) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir := pgtest.DataDir(t)
	servers, err := stack.Start(ctx, stack.Options{DataDir: dir, NoUI: true, Unsafe: true, SearchAttributes: namespace.SearchAttributes()})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, servers.Stop(ctx))
	})
	cfg := config.Defaults()
	cfg.DataDir = dir
	cfg.Database.URL = config.Secret(servers.DatabaseURL)
	cfg.Temporal.Address, cfg.Temporal.Namespace = servers.TemporalAddress, servers.Namespace
	cfg.Worker.Listen, cfg.Worker.PromoteSelf = "127.0.0.1:0", true
	cfg.Keys.Public = signedtest.Public()
	worker, err := workerapp.Start(ctx, cfg, workerapp.Deps{AllowUnsafe: true, InProcess: true})
	require.NoError(t, err)
	t.Cleanup(worker.Stop)

	r := &rig{}
	r.db, err = store.Open(ctx, servers.DatabaseURL, store.Options{AllowUnsafe: true})
	require.NoError(t, err)
	t.Cleanup(r.db.Close)
	r.sql, err = pgxpool.New(ctx, servers.DatabaseURL)
	require.NoError(t, err)
	t.Cleanup(r.sql.Close)
	r.sdk, err = sdk.DialContext(ctx, sdk.Options{HostPort: servers.TemporalAddress, Namespace: servers.Namespace, Logger: silent()})
	require.NoError(t, err)
	t.Cleanup(r.sdk.Close)
	r.client = servicetest.New(r.db, r.sdk, kam.TaskQueue)

	require.NoError(t, storetest.LoadOrg(ctx, r.db, organisation()))
	require.NoError(t, storetest.PublishPolicy(ctx, r.db, 1, quickPolicy(t)))
	r.keepOfficeOpen(t)
	r.readTemplates(t)
	return r
}

func silent() log.Logger { return log.NewStructuredLogger(slog.New(slog.DiscardHandler)) }

func number(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 63); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// Territories by the way in which time passes. Postal codes lead to them.
const (
	still  = "T-STILL"  // no deadline comes in the time of a test
	ending = "T-ENDING" // the case expires, the endorsement lapses
	urging = "T-URGING" // the manager is reminded, and then his superior joins
	joined = "T-JOINED" // the same, and the superior has no say before he joins
)

var postal = map[string]string{still: "10", ending: "20", urging: "30", joined: "40"}

// Deadlines of confirmations and endorsements by the two calendars. A working
// day of slow is 24 hours: a hundredth of it outlasts any case here. One of
// quick is two minutes: a hundredth of it is 1.2 seconds.
//
//	remind, expire, lapse   2.4 s
//	escalate                3.6 s
const maxRounds = 2 // of changes

func quickPolicy(t *testing.T) []byte {
	t.Helper()
	text := policy.DefaultYAML()
	for _, change := range [][2]string{
		{"confirmation:      {remind: 1, escalate: 2, expire: 30}", "confirmation:      {remind: 0.02, escalate: 0.03, expire: 0.02}"},
		{"endorsement:       {remind: 2, escalate: 5, lapse: 30}", "endorsement:       {remind: 0.02, escalate: 0.03, lapse: 0.02}"},
		{"max_change_rounds: 3", fmt.Sprintf("max_change_rounds: %d", maxRounds)},
	} {
		require.True(t, bytes.Contains(text, []byte(change[0])), change[0])
		text = bytes.Replace(text, []byte(change[0]), []byte(change[1]), 1)
	}
	_, err := policy.Parse(text)
	require.NoError(t, err)
	return text
}

// calendars are open now: quick from this minute on for two, by the clock of a
// zone where it is about noon, so that no run meets midnight.
func calendars(now time.Time) []accessdb.CalendarRow {
	now = now.UTC().Truncate(time.Minute)
	ahead := 12 - now.Hour()
	zone := "UTC"
	if ahead != 0 {
		zone = fmt.Sprintf("Etc/GMT%+d", -ahead) // POSIX counts westward
	}
	local := now.Add(time.Duration(ahead) * time.Hour)
	return []accessdb.CalendarRow{
		{Code: "SLOW", TimeZone: "UTC", Opens: "00:00", Closes: "24:00"},
		{Code: "QUICK", TimeZone: zone, Opens: local.Format("15:04"), Closes: local.Add(2 * time.Minute).Format("15:04")},
	}
}

// keepOfficeOpen moves the working day of the quick calendar along, so that at
// least a minute of it is always left.
func (r *rig) keepOfficeOpen(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		for {
			now := time.Now()
			select {
			case <-ctx.Done():
				done <- nil
				return
			case <-time.After(now.Truncate(time.Minute).Add(time.Minute).Sub(now)):
			}
			if err := storetest.LoadOrg(ctx, r.db, accessdb.Org{Calendars: calendars(time.Now())}); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
	})
}

// organisation has one territory for each way in which time passes. A person's
// reminders come by the calendar of the first place where he works, the end of
// a wait by that of the territory: whoever works first at an office of another
// pace than his territory has only the one or only the other come soon.
func organisation() accessdb.Org {
	node := func(code string, level kam.NodeLevel, parent string, manager kam.UserID, calendar string) accessdb.Node {
		return accessdb.Node{Code: code, Level: level, Parent: parent, Name: code, ManagerID: manager, Calendar: calendar}
	}
	user := func(id, manager kam.UserID, role kam.Role, nodes ...string) accessdb.User {
		return accessdb.User{ID: id, Name: string(id), Roles: []kam.Role{role}, Nodes: nodes, ManagerID: manager}
	}
	o := accessdb.Org{
		Calendars: calendars(time.Now()),
		Nodes: []accessdb.Node{
			node("GLOBAL", kam.LevelGlobal, "", "gina.global", "SLOW"),
			node("DE", kam.LevelCountry, "GLOBAL", "nadja.national", ""),
			node("DE-A", kam.LevelRegion, "DE", "rita.regional", ""),
			node(still, kam.LevelTerritory, "DE-A", "tim.still", ""),
			node(ending, kam.LevelTerritory, "DE-A", "eva.ending", "QUICK"),
			node(urging, kam.LevelTerritory, "DE-A", "ulf.urging", ""),
			node("DE-B", kam.LevelRegion, "DE", "jo.regional", ""),
			node(joined, kam.LevelTerritory, "DE-B", "mia.joined", ""),
			node("OFFICE-SLOW", kam.LevelTerritory, "DE", "", ""),
			node("OFFICE-QUICK", kam.LevelTerritory, "DE", "", "QUICK"),
		},
		Users: []accessdb.User{
			user("gina.global", "", kam.GlobalManager, "GLOBAL"),
			user("nadja.national", "gina.global", kam.NationalManager, "DE"),
			user("rita.regional", "nadja.national", kam.RegionalManager, "DE-A"),
			// Manages DE-B and works elsewhere: without a task he decides nothing there.
			user("jo.regional", "nadja.national", kam.RegionalManager, "OFFICE-SLOW"),
			user("tim.still", "rita.regional", kam.TerritoryManager, still),
			user("eva.ending", "rita.regional", kam.TerritoryManager, "OFFICE-SLOW", ending),
			user("ulf.urging", "rita.regional", kam.TerritoryManager, "OFFICE-QUICK", urging),
			user("mia.joined", "jo.regional", kam.TerritoryManager, "OFFICE-QUICK", joined),
			user("rosa.rep", "rita.regional", kam.SalesRep, still, ending, urging, joined),
			user("stew.one", "", kam.DataSteward, "GLOBAL"),
			user("stew.two", "", kam.DataSteward, "GLOBAL"),
			user("comp.one", "", kam.ComplianceRole, "GLOBAL"),
			user("pol.admin", "", kam.PolicyAdmin, "GLOBAL"),
			user("ops.one", "", kam.Operator),
		},
	}
	for territory, prefix := range postal {
		o.AssignmentRules = append(o.AssignmentRules, accessdb.AssignmentRule{
			Code: "R-" + prefix, Kind: accessdb.AreaRule, Country: "DE", PostalPrefix: prefix, Territory: territory,
		})
	}
	return o
}

// readTemplates takes the sample requests that the cases are made from.
func (r *rig) readTemplates(t *testing.T) {
	t.Helper()
	all, err := demo.Scripts()
	require.NoError(t, err)
	for _, s := range all {
		switch s.Name {
		case "01_clear_add":
			r.plain = s.Request
			for _, step := range s.Steps {
				if step.Data != nil {
					b, err := json.Marshal(step.Data)
					require.NoError(t, err)
					require.NoError(t, json.Unmarshal(b, &r.plain))
				}
			}
		case "12_territory_key_account":
			r.endorsed = s.Request
		}
	}
	facts, err := demo.Sales(time.Now())
	require.NoError(t, err)
	for _, f := range facts {
		if f.AccountNo == r.endorsed.SalesAccountNo {
			r.sales = append(r.sales, f)
		}
	}
	require.NotEmpty(t, r.plain.Addresses)
	require.NotEmpty(t, r.sales)
}

package mutations

// A Control is one line that keeps somebody out, and the test that misses it:
// without the line the test fails.
type Control struct {
	Name    string
	What    string // goes through without it
	Package string
	Test    string
	Change  Change // takes the line away
}

// Edit is the removal.
func (c Control) Edit() Edit { return Edit{Name: c.Name, Changes: []Change{c.Change}} }

const (
	acceptance = "internal/acceptance"
	verifyFile = "kam/signed/verify.go"
	auditFile  = "service/audit_signed.go"
	guardFile  = "gateway/guard.go"
)

// Controls are those of signing in, of signed acts and of who may. Each is
// there once, so that there is something to miss.
var Controls = []Control{
	// What is signed, and for how long.
	{"signature", "an envelope that its key has not signed", "kam/signed", "TestForgeries",
		Change{File: verifyFile, Old: "case !ed25519.Verify(key.Public, message(body), signature):", New: "case !ed25519.Verify(key.Public, message(body), signature) && len(signature) == 0:"}},
	{"key-known", "an envelope under the name of a key that nobody knows", "kam/signed", "TestKeys",
		Change{File: verifyFile, Old: "case !known:", New: "case !known && false:"}},
	{"key-from", "what was signed before its key began", "kam/signed", "TestKeys",
		Change{File: verifyFile, Old: "case !key.ValidAt(e.Issued):", New: "case false:"}},
	{"key-retired", "what a retired key has signed", "kam/signed", "TestKeys",
		Change{File: verifyFile, Old: "case !key.Until.IsZero() && !now.Before(key.Until):", New: "case false:"}},
	{"expiry", "an envelope that has expired", "kam/signed", "TestTimes",
		Change{File: verifyFile, Old: "case !now.Before(e.Expires):", New: "case false:"}},
	{"not-yet", "an envelope of a time to come", "kam/signed", "TestTimes",
		Change{File: verifyFile, Old: "case e.Issued.After(now.Add(ahead)):", New: "case false:"}},
	{"life-of-an-act", "an act that holds for a day", "kam/signed", "TestTimes",
		Change{File: verifyFile, Old: "!c.Queued && life > ActLife", New: "false"}},
	{"life-at-most", "a signal that holds for ever", "kam/signed", "TestTimes",
		Change{File: verifyFile, Old: "e.Expires.Sub(e.Issued) > QueueLife", New: "false"}},
	{"person", "the envelope of somebody else", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Say(\"person\"), e.Person, c.Person},", New: ""}},
	{"on-behalf", "an act for a person who is not the one that was signed for", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Say(\"person it is done for\"), e.OnBehalfOf, c.OnBehalfOf},", New: ""}},
	{"case", "the envelope of another case", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Say(\"subject\"), e.About, c.About},", New: ""}},
	{"revision", "the envelope of another revision", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Say(\"revision\"), e.Revision, c.Revision},", New: ""}},
	{"material-hash", "the envelope of other data", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Word(\"material_hash\"), e.MaterialHash, c.MaterialHash},", New: ""}},
	{"digest", "other arguments under the envelope", "kam/signed", "TestEveryFieldOfAClaimIsCompared",
		Change{File: verifyFile, Old: "{kam.Say(\"content\"), e.Digest, c.Digest()},", New: ""}},
	{"decision-in-digest", "an envelope for one decision, for another one", "kam/signed", "TestEveryFieldOfAnActIsCovered",
		Change{File: "kam/onboarding/act_check.go", Old: "a.Signed, a.OnBehalfOf = \"\", \"\"", New: "a.Signed, a.OnBehalfOf, a.DecisionID = \"\", \"\", \"\""}},
	{"mode", "what is not signed, where signatures are required", "kam/signed", "TestModes",
		Change{File: verifyFile, Old: "if r.mode == Record {", New: "if true {"}},

	// Where it is verified.
	{"validator", "a forged update, into the history of a case", "workflows", "TestForgedActsAreRefusedByTheValidator",
		Change{File: "workflows/desk.go", Old: "if err := d.verify.of(now, a.signed, a.claim); err != nil {", New: "if err := d.verify.of(now, a.signed, a.claim); err != nil && a.id == \"\" {"}},
	{"validator-start", "a forged start, by its validator", "workflows", "TestAnOpenCaseAnswersItsRequesterOnly",
		Change{File: "workflows/onboarding.go", Old: "return c.verify.of(now, in.Signed, claim)", New: "return nil"}},
	{"transaction", "a forged signal", acceptance, "TestTransactionStopsForgedActs",
		Change{File: "activities/act.go", Old: "signed.OfAct(in.CaseNo, in.Act, in.Signal > 0)); err != nil {", New: "signed.OfAct(in.CaseNo, in.Act, in.Signal > 0)); err != nil && in.CaseNo == \"\" {"}},
	{"transaction-start", "a start in the name of somebody else", acceptance, "TestForgedStartsOpenNothing",
		Change{File: "activities/open.go", Old: "return a.Signatures.Verify(in.Now, in.Signed, signed.OfStart(start, o.Requester, request))", New: "_ = a.Signatures.Verify(in.Now, in.Signed, signed.OfStart(start, o.Requester, request))\n\treturn nil"}},
	{"transaction-import", "a forged confirmation of an import", acceptance, "TestForgedActsOnABookAreStopped",
		Change{File: "activities/book/decide.go", Old: "signed.OfBatch(in.No, act)); err != nil {", New: "signed.OfBatch(in.No, act)); err != nil && in.No == \"\" {"}},
	{"refused-once", "an envelope that was refused, taken later", "store/ledger", "TestARefusedEnvelopeStaysRefused",
		Change{File: "store/ledger/envelope.go", Old: "e.was = all[0]", New: "_ = all[0]"}},

	// What verification of the record finds.
	{"audit-signature", "a stored envelope that is none", acceptance, "TestVerificationFindsForgedActs",
		Change{File: auditFile, Old: "if why := s.why(c, act, of); why != \"\" {", New: "if why := s.why(c, act, of); false && why != \"\" {"}},
	{"audit-unsigned", "a decision without an envelope", acceptance, "TestRecordTakesUnsignedActs",
		Change{File: auditFile, Old: "case act.Envelope == \"\" && !s.required(of[0].DBAt, direct):", New: "case act.Envelope == \"\":"}},
	{"audit-digest", "a decision altered under its envelope", acceptance, "TestTamperedEnvelopesAreFound",
		Change{File: auditFile, Old: "case isAct && e.Digest != digest:", New: "case false:"}},
	{"audit-subject", "the envelope of another case, moved", acceptance, "TestTamperedEnvelopesAreFound",
		Change{File: auditFile, Old: "case e.About != string(c.CaseNo):", New: "case false:"}},
	{"audit-time", "an envelope that had expired when it was taken", acceptance, "TestVerificationFindsForgedActs",
		Change{File: auditFile, Old: "case of[at].At.Before(e.Issued.Add(-time.Minute)) || !of[at].At.Before(e.Expires):", New: "case false:"}},
	{"audit-one-time-id", "one envelope for two decisions", acceptance, "TestTamperedEnvelopesAreFound",
		Change{File: auditFile, Old: "case twice:", New: "case twice && false:"}},
	{"audit-in-the-chain", "an envelope signed anew by who has the key", acceptance, "TestTamperedEnvelopesAreFound",
		Change{File: auditFile, Old: "!slices.Contains(kept, e.PayloadDigest)", New: "!slices.Contains(kept, e.PayloadDigest) && false"}},

	// Who may.
	{"door", "a question to the service by somebody who may not", "service", "TestCrawl$",
		Change{File: "service/ask.go", Old: "\tif err == nil {\n\t\t_, err = access.Permit(p, action, access.Subject{})\n\t}\n", New: ""}},
	{"door-active", "somebody who has left", "service", "TestEveryDoorAsks",
		Change{File: "service/ask.go", Old: "case err == nil && !p.Active:", New: "case false:"}},
	{"signatory", "an act signed for somebody who is nobody", "service", "TestNobodyUnknownIsSignedFor",
		Change{File: "service/sign.go", Old: "by.Person, err = l.person(ctx, who)", New: "by.Person, _ = l.person(ctx, who)"}},
	{"signs-what-all-know", "a key that a worker does not know", "service", "TestANewKeySignsOnceEveryLiveWorkerKnowsIt",
		Change{File: "service/signer.go", Old: "i < 0 || !k.ValidAt(now) || !known", New: "i < 0 || !k.ValidAt(now) || known && false"}},
	{"permit-in-the-transaction", "a decision by somebody without the right", acceptance, "TestAC47_OperatorMayNotConfirm",
		Change{File: "activities/act.go", Old: "if w.acting, err = access.Acts(who, action, subject); err != nil {", New: "if w.acting, err = access.Acts(who, action, subject); err != nil && act.By == \"\" {"}},
	{"asked-before-signing", "a signature for who may not", "service", "TestCrawlOfActs$",
		Change{File: "service/sign.go", Old: "if err == nil && l.Judge != nil {", New: "if false {"}},
	{"separation", "the confirmation of one's own request", acceptance, "TestAC20_",
		Change{File: "kam/onboarding/sod.go", Old: "return kam.Errorf(kam.Separation, \"%s requested the case or changed its data\", u).By(\"SOD1\").Try(\"another manager, or the next level, must decide\")", New: "return nil"}},
	{"linking-by-two", "an identity that one admin alone links", "store/identity", "TestAnIdentityTakesTwo",
		Change{File: "store/access/change.go", Old: "case ChangeOrg, ChangeIdentity:", New: "case ChangeOrg:"}},
	{"agreed-by-another", "a proposal that its own admin agrees to", "store/access", "TestOneAdminAloneGivesNoRight",
		Change{File: "store/access/proposal.go", Old: "if a.By == p.By {", New: "if false {"}},
	{"password-link", "the link to a password, for who proposed the account", "store/identity", "TestLocalAccount",
		Change{File: "store/identity/account.go", Old: "case i.By != a.By:", New: "case false:"}},

	// Sessions, tokens and links.
	{"issuer", "the same subject of another provider", "store/identity", "TestAnIdentityTakesTwo",
		Change{File: "store/identity/account.go", Old: "where i.issuer = $1 and i.subject = $2 and i.issuer <> $3 and p.active`", New: "where $1 <> '' and i.subject = $2 and i.issuer <> $3 and p.active`"}},
	{"issuer-of-the-token", "a token of a provider that calls itself another one", "gateway/openid", "TestBadTokens|TestForeignAnswers",
		Change{File: "gateway/openid/openid.go", Old: "case answer.Has(\"iss\") && answer.Get(\"iss\") != p.Issuer: // RFC 9207", New: "case false:"}},
	{"nonce", "the token of another visit", "gateway/openid", "TestBadTokens",
		Change{File: "gateway/openid/openid.go", Old: "case !hmac.Equal([]byte(token.Nonce), []byte(nonce)):", New: "case false:"}},
	{"state", "the answer to a question that this browser has not asked", "gateway/openid", "TestForeignAnswers",
		Change{File: "gateway/openid/openid.go", Old: "|| !hmac.Equal([]byte(f.State), []byte(answer.Get(\"state\")))", New: ""}},
	{"session-ended", "a session that has expired", "gateway", "TestSessionsEnd",
		Change{File: "store/identity/session.go", Old: "where s.token = $1 and s.expiry > clock_timestamp() and p.active`", New: "where s.token = $1 and p.active`"}},
	{"session-stays-ended", "a session that a slow request writes anew", "store/identity", "TestAnEndedSessionStaysEnded",
		Change{File: "store/identity/session.go", Old: "if o, ok := ctx.Value(openingKey{}).(Opening); ok {", New: "if o, _ := ctx.Value(openingKey{}).(Opening); true {"}},
	{"session-rotated", "the session that somebody set before the sign-in", "gateway", "TestTheSessionIsRotated",
		Change{File: "gateway/gate.go", Old: "\tif err := g.sessions.RenewToken(ctx); err != nil {\n\t\treturn err\n\t}\n", New: ""}},
	{"session-hash", "sessions in the database as browsers send them", "gateway", "TestTheSessionIsRotated",
		Change{File: "gateway/gate.go", Old: "s.Store, s.HashTokenInStore = identity.Sessions{Store: o.SignIns}, true", New: "s.Store, s.HashTokenInStore = identity.Sessions{Store: o.SignIns}, false"}},
	{"token-hash", "tokens and links in the database as they are sent", "store/identity", "TestTokens$",
		Change{File: "store/identity/doc.go", Old: "\th := sha256.Sum256([]byte(secret))\n\treturn h[:]", New: "\t_ = sha256.Sum256\n\treturn []byte(secret)"}},
	{"token-expiry", "a token that has expired", "store/identity", "TestTokensExpire",
		Change{File: "store/identity/token.go", Old: "where t.hash = $1 and t.expiry > clock_timestamp() and p.active", New: "where t.hash = $1 and p.active"}},
	{"token-scope", "writing by a token for reading", "gateway", "TestPrincipalByToken",
		Change{File: "gateway/gate.go", Old: "case t.Scope == identity.ScopeRead && !safe(r):", New: "case false:"}},
	{"link-once", "a link that was used", "store/identity", "TestLinksHoldOnce",
		Change{File: "store/identity/link.go", Old: "l.used_at is null and l.expiry > clock_timestamp()", New: "l.expiry > clock_timestamp()"}},
	{"leavers", "whoever has left, by his password", "store/identity", "TestLocalAccount",
		Change{File: "store/identity/account.go", Old: "and i.password <> '' and p.active`", New: "and i.password <> ''`"}},

	// Browsers.
	{"cookie-http-only", "a script that reads cookies", "gateway", "TestBehindAProxy",
		Change{File: "gateway/visit.go", Old: "HttpOnly: true, Secure: g.secure()", New: "Secure: g.secure()"}},
	{"cookie-secure", "cookies without TLS", "gateway", "TestBehindAProxy",
		Change{File: "gateway/visit.go", Old: "HttpOnly: true, Secure: g.secure()", New: "HttpOnly: true"}},
	{"session-cookie-secure", "the session without TLS", "gateway", "TestBehindAProxy",
		Change{File: "gateway/gate.go", Old: "s.Cookie.Name, s.Cookie.Secure, s.Cookie.Persist = g.cookieName(\"session\"), o.secure(), false", New: "s.Cookie.Name, s.Cookie.Persist = g.cookieName(\"session\"), false"}},
	{"cookie-of-the-host", "a cookie that another host of the domain has set", "gateway", "TestBehindAProxy",
		Change{File: "gateway/gate.go", Old: "return \"__Host-kam_\" + name", New: "return \"kam_\" + name"}},
	{"form-of-a-page", "a form that another page has made", "gateway", "TestOtherPagesSendNothing",
		Change{File: "gateway/visit.go", Old: "\t\tif !g.formHolds(r) {\n\t\t\treturn v, g.refuse(r, refusedForm, errForm)\n\t\t}\n", New: ""}},
	{"form-of-a-mount", "a request to the API that any page has a browser send", "gateway", "TestMountsAreProtected",
		Change{File: "gateway/gate.go", Old: "if !safe(r) && simple(r) && !g.formHolds(r) {", New: "if false {"}},
	{"cross-origin", "what a page of another origin sends", "gateway", "TestOtherPagesSendNothing",
		Change{File: "gateway/gate.go", Old: "g.addressed(g.sameOrigin(packed(outer)))", New: "g.addressed(packed(outer))"}},
	{"host", "another name that leads to this machine", "gateway", "TestOtherNamesOfThisMachine",
		Change{File: guardFile, Old: "case !g.ours(r.Host):", New: "case false:"}},
	{"proxy", "whoever comes past the proxy", "gateway", "TestBehindAProxy",
		Change{File: guardFile, Old: "case len(g.Proxies) > 0 && !g.trusts(remote(r)):", New: "case false:"}},
	{"throttle-login", "guesses at a password", "gateway", "TestTriesAreBounded",
		Change{File: guardFile, Old: " || login != \"\" && logins.OnLimit(w, r, login)", New: " || login != \"\" && logins == nil"}},
	{"throttle-sender", "guesses at links", "gateway", "TestBehindAProxy",
		Change{File: guardFile, Old: "if senders.OnLimit(w, r, httprate.CanonicalizeIP(g.sender(r))) || ", New: "if senders == nil || "}},
	{"way-home", "a link that sends whoever signs in to another house", "gateway", "TestWhereToGoIsHere",
		Change{File: "gateway/visit.go", Old: "u.Scheme != \"\" || u.Host != \"\" || !strings.HasPrefix(then, \"/\") || strings.HasPrefix(then, \"//\") || strings.ContainsAny(then, \"\\\\\\r\\n\\t\")", New: "u == nil || strings.HasPrefix(then, \"!\")"}},
	{"frames", "pages in a frame of somebody else", "gateway", "TestHeaders",
		Change{File: guardFile, Old: "; frame-ancestors 'none'", New: ""}},
}

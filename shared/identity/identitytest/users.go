package identitytest

import (
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

func users(w *world) {
	ctx, p := w.Context(), w.Identity
	n := w.invited()
	u := w.get(n)
	if u.Name != n || u.Email != mail || u.Phone != mobile || u.EmailVerified || u.PhoneVerified || !u.Enabled || !u.PasswordIsTemp || u.TOTPEnrolled {
		w.Errorf("a fresh user is %+v", u)
	}
	if late := u.TempPasswordEnds.Sub(w.Now().Add(day)).Abs(); late > 10*time.Second {
		w.Errorf("the temporary password ends %v off its time", late)
	}
	w.may("the same user again", p.CreateUser(ctx, n, mail, mobile, temporary, day))
	w.want("the same name with another address", p.CreateUser(ctx, n, "han@example.com", mobile, temporary, day), fault.Conflict, "user_exists")
	w.may("creating again replaces the temporary password", p.CreateUser(ctx, n, mail, mobile, other, day))
	_, err := p.Authenticate(ctx, n, temporary)
	w.refused("the replaced temporary password", err)
	w.challenged(n, other, identity.NewPassword)

	w.must(p.SetPassword(ctx, n, permanent))
	if u := w.get(n); u.PasswordIsTemp || !u.TempPasswordEnds.IsZero() {
		w.Errorf("a permanent password ends: %+v", u)
	}
	w.want("creating one who has answered", p.CreateUser(ctx, n, mail, mobile, temporary, day), fault.Conflict, "user_exists")
	w.signedIn(n, permanent)

	w.may("the same address in another tenant", p.CreateUser(ctx, w.name(), mail, mobile, temporary, day))

	w.must(p.SetAttributes(ctx, n, mail, mobile, identity.Email, identity.Phone))
	if u := w.get(n); !u.EmailVerified || !u.PhoneVerified {
		w.Error("verified attributes are not")
	}
	w.must(p.SetAttributes(ctx, n, "han@example.com", mobile))
	if u := w.get(n); u.Email != "han@example.com" || u.EmailVerified || !u.PhoneVerified {
		w.Errorf("a changed address: verified %t; an unchanged one: verified %t", u.EmailVerified, u.PhoneVerified)
	}
	w.must(p.SetAttributes(ctx, n, "han@example.com", "", identity.Email))
	if u := w.get(n); u.Phone != "" || u.PhoneVerified || !u.EmailVerified {
		w.Error("a phone that was taken away is still there, or verified")
	}

	ghost := w.name()
	_, err = p.GetUser(ctx, ghost)
	w.want("get of none", err, fault.NotFound, "user_unknown")
	w.want("attributes of none", p.SetAttributes(ctx, ghost, mail, mobile), fault.NotFound, "user_unknown")
	w.want("disable none", p.Disable(ctx, ghost), fault.NotFound, "user_unknown")
	w.want("enable none", p.Enable(ctx, ghost), fault.NotFound, "user_unknown")
	w.want("password of none", p.SetPassword(ctx, ghost, permanent), fault.NotFound, "user_unknown")
	w.want("temporary password of none", p.SetTemporaryPassword(ctx, ghost, temporary, day), fault.NotFound, "user_unknown")
	w.want("sign none out", p.SignOutEverywhere(ctx, ghost), fault.NotFound, "user_unknown")
	w.want("second factor of none", p.ResetMFA(ctx, ghost), fault.NotFound, "user_unknown")

	w.must(p.Delete(ctx, n))
	w.may("delete again", p.Delete(ctx, n))
	_, err = p.GetUser(ctx, n)
	w.want("get of a deleted one", err, fault.NotFound, "user_unknown")
	_, err = p.Authenticate(ctx, n, permanent)
	w.refused("sign-in of a deleted one", err)

	pages(w)
}

// pages demands that walking the pages meets every user once, however many pages that is.
func pages(w *world) {
	want := map[identity.Name]int{}
	for range 65 {
		n := w.name()
		w.must(w.Identity.CreateUser(w.Context(), n, mail, "", temporary, time.Hour))
		want[n] = 0
	}
	for at := ""; ; {
		users, next, err := w.Identity.ListUsers(w.Context(), at)
		w.must(err)
		if len(users) > 60 {
			w.Fatalf("a page of %d", len(users))
		}
		for _, u := range users {
			if _, ours := want[u.Name]; ours {
				want[u.Name]++
			}
		}
		if at = next; at == "" {
			break
		}
	}
	for _, times := range want {
		if times != 1 {
			w.Fatalf("a user was listed %d times", times)
		}
	}
}

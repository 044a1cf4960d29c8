package local

import bolt "go.etcd.io/bbolt"

// Records counts what the file holds of sign-ins and challenges.
func (p *Provider) Records() (n int) {
	_ = p.db.View(func(tx *bolt.Tx) error {
		for _, b := range [][]byte{bucketSessions, bucketFamilies, bucketRefresh, bucketExpiry} {
			n += tx.Bucket(b).Stats().KeyN
		}
		return nil
	})
	return n
}

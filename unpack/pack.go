package unpack

// fewest is how many rows of an archive leave memory at least, once those of the
// whole run are too many: so the pieces on the disk are not too small, and each of
// the archives within archives that wait for the innermost holds little.
const fewest = 512

// hold counts nodes that came into memory.
func (a *archive) hold(n int64) {
	a.held += n
	held := a.u.held.Add(n)
	for most := a.u.most.Load(); held > most && !a.u.most.CompareAndSwap(most, held); most = a.u.most.Load() {
	}
}

// room sees to it that there is memory for another member. Nobody may hold a
// directory of the archive meanwhile.
func (a *archive) room() {
	limit := a.u.limits.RowsInMemory
	if a.u.held.Load() < limit || a.held-a.pinned < max(min(fewest, limit), a.pinned) {
		return
	}
	a.wait.Wait()
	a.settleLinks(false)
	a.pinned = 0
	if err := a.spillOut(); err != nil {
		a.u.fail(err)
	}
}

// pack puts the rows of a complete archive into the roll.
func (a *archive) pack() {
	defer a.forget()
	if a.node.dropped {
		return
	}
	w := &rollWriter{l: a.u.roll}
	var err error
	inOrder(a.node.children)
	for _, c := range a.node.children {
		w.add(1, c)
		switch {
		case c != a.out:
		case a.spill == nil:
			w.members(c, 2)
		default:
			err = a.unspill(w)
		}
	}
	if err == nil {
		a.node.sub, err = w.done()
	}
	if err != nil {
		a.u.fail(err)
	}
}

// members writes what is in a directory.
func (w *rollWriter) members(dir *Node, depth int) {
	inOrder(dir.children)
	for _, c := range dir.children {
		if !c.dropped {
			w.add(depth, c)
			w.members(c, depth+1)
		}
	}
}

// forget gives back what is needed only while an archive is being read.
func (a *archive) forget() {
	a.hold(-a.held)
	a.node.children, a.node.byName = nil, nil
	if a.out != nil {
		a.out.children, a.out.byName = nil, nil
	}
	if a.spill != nil {
		a.spill.file.Close()
		a.spill = nil
	}
}

//! What goes wrong, and what people do meanwhile.

use doorward_core::audit::Kind;
use doorward_core::change::{DirectoryChange, MoveRealm};
use doorward_core::feed::Draft;
use doorward_core::{Position, Strength, Timestamp};
use doorward_store::suite::cast;
use doorward_store::{Directory as _, Sessions as _};

use super::super::node::Node;
use super::{NODES, Step, USERS, World};

const MINUTE: i64 = 60_000;

impl World {
    pub(super) async fn chaos(&mut self) -> Result<(), String> {
        if self.is_quiet {
            return Ok(());
        }
        let again = self.chance.between(3, 220);
        self.after(again, Step::Chaos);
        let node = self.chance.below(NODES as u64) as usize;
        match self.chance.below(100) {
            0..14 => self.revoke().await,
            14..20 => self.end_user().await,
            20..24 => self.renew().await,
            24..30 => self.open_session().await,
            30..44 => {
                let life = self.chance.below(self.truth.lives.len() as u64) as usize;
                self.begin_mint(life).await;
            }
            44..51 => {
                let life = self.chance.below(self.truth.lives.len() as u64) as usize;
                let (run, read) = ((node, self.runs[node]), self.nodes[node].clock.moment(self.now));
                self.up(run, Step::WantRecord(run, life, read));
            }
            51..56 => self.wait(None),
            56..60 => self.storm().await,
            60..72 => self.disturb(node),
            72..79 => self.restart(false),
            79..82 => self.restart(true),
            82..85 => self.copies.extend(self.server.as_ref().map(|server| server.memory.copied().expect("a store"))),
            85..89 => self.restart_node(node),
            89..94 => self.jump(node),
            94..98 => self.leap().await?,
            _ => self.after(0, Step::Sweep(None)),
        }
        Ok(())
    }

    async fn revoke(&mut self) {
        let alive: Vec<_> = self
            .truth
            .lives
            .iter()
            .filter(|life| life.dead.is_none() && !life.lost)
            .map(|life| life.number)
            .collect();
        let (Some(server), false) = (&self.server, alive.is_empty()) else { return };
        let number = self.chance.one_of(&alive);
        let session = server.memory.session(cast::session_id(number)).await.expect("a store");
        let session = session.expect("it lives");
        let wall = server.clock.wall(self.now);
        let place = self.commit(cast::end(&[&session], wall), Kind::SessionsEnded, true).await;
        self.wait(place);
    }

    async fn end_user(&mut self) {
        let user = self.chance.between(1, i64::from(USERS)) as u8;
        let wall = self.server_clock.wall(self.now);
        let place = match self.chance.below(3) {
            0 => self.change_password(user, wall).await,
            _ => self.commit(cast::end_user(user, wall), Kind::SessionsEnded, true).await,
        };
        self.wait(place);
    }

    /// One session of the user is kept, and is born anew.
    async fn change_password(&mut self, user: u8, wall: Timestamp) -> Option<Position> {
        let server = self.server.as_ref()?;
        let version = server.memory.credential(cast::user_id(user)).await.expect("a store")?.version;
        let kept = self.truth.lives.iter().find(|life| life.user == user && life.dead.is_none() && !life.lost);
        let session = match kept {
            Some(life) => server.memory.session(cast::session_id(life.number)).await.expect("a store"),
            None => None,
        };
        let keep = session.map(|session| cast::keep(&session, 120 + self.chance.below(100) as u8, wall));
        self.commit(cast::set_password(user, version, keep, wall), Kind::PasswordChanged, true).await
    }

    /// Nobody is signed out, and all tokens of an application, or of everybody, have to be renewed.
    async fn renew(&mut self) {
        let Some(server) = &self.server else { return };
        let client = server.cached.client(&cast::client_id(1)).expect("it was added");
        let draft = Draft::client(&client.id, Strength::RefreshRequired);
        let change = match self.chance.below(3) {
            0 => DirectoryChange::MoveRealm(MoveRealm { draft: Draft::realm(Strength::RefreshRequired) }),
            _ => cast::set_client((*client).clone(), client.version, vec![draft]),
        };
        self.commit(change, Kind::ClientChanged, true).await;
    }

    /// Waits until everybody refuses what was ended; or somebody does so who asks again.
    fn wait(&mut self, place: Option<Position>) {
        let is_wanted = self.chance.percent(60);
        let Some(server) = self.server.as_mut().filter(|_| is_wanted) else { return };
        server.wait(place.unwrap_or_else(|| server.head()), self.now);
        self.send_soon();
        self.after(0, Step::Look);
    }

    /// More at once than is sent at once; now and then more of one person than is named one by one.
    async fn storm(&mut self) {
        let count = if self.chance.percent(8) { 36 } else { 5 };
        for _ in 0..count {
            self.open_session().await;
        }
        let Some(server) = &self.server else { return };
        let mut sessions = Vec::new();
        for life in self.truth.lives.iter().rev().take(count).filter(|life| life.dead.is_none() && !life.lost) {
            sessions.extend(server.memory.session(cast::session_id(life.number)).await.expect("a store"));
        }
        let wall = server.clock.wall(self.now);
        let change = cast::end(&sessions.iter().collect::<Vec<_>>(), wall);
        self.commit(change, Kind::SessionsEnded, false).await;
    }

    fn disturb(&mut self, node: usize) {
        let until = self.now + self.chance.between(200, 9_000);
        let line = &mut self.lines[node];
        match self.chance.below(5) {
            0 => line.up_cut = until,
            1 => line.down_cut = until,
            2 => (line.up_cut, line.down_cut) = (until, until),
            3 => line.buffered = until,
            _ => line.slow = until,
        }
    }

    fn restart(&mut self, puts_back: bool) {
        self.go_down();
        let old_copy = puts_back.then(|| self.copies.len().checked_sub(1)).flatten();
        let down = self.chance.one_of(&[0, 0, 5, 400, 1_500]);
        let reboots = self.chance.percent(30);
        self.after(down, Step::Up { old_copy, reboots });
    }

    fn restart_node(&mut self, node: usize) {
        let (now, run) = (self.now, self.runs[node]);
        if self.chance.percent(40) && !self.nodes[node].has_left {
            self.ping((node, run), true);
        }
        if let Some(stream) = &self.nodes[node].stream {
            let conn = stream.conn;
            self.hang_up((node, run), conn);
        }
        self.runs[node] += 1;
        let (old, run) = (&self.nodes[node], self.runs[node]);
        let clock = if self.chance.percent(30) { old.clock.rebooted(now) } else { old.clock };
        self.nodes[node] = Node::new(node as u8 + 1, run, (old.lease, old.grace), clock, now);
        let pause = self.chance.between(0, 800);
        self.after(pause, Step::Tick((node, run)));
    }

    /// Somebody sets a clock on a wall.
    fn jump(&mut self, node: usize) {
        let off = self.chance.one_of(&[0, 0, 3_600_000, -3_600_000]);
        self.truth.tally.jumps += 1;
        if self.chance.percent(35) {
            self.server_clock.wall_off = off;
            if let Some(server) = &mut self.server {
                server.clock.wall_off = off;
            }
        } else {
            self.nodes[node].clock.wall_off = off;
        }
    }

    /// Nothing happens for a while, and what was under way is late.
    async fn leap(&mut self) -> Result<(), String> {
        self.now += self.chance.one_of(&[20_000, 20 * MINUTE, 59 * MINUTE, 61 * MINUTE, 63 * MINUTE, 130 * MINUTE]);
        self.check_all()?;
        self.serve(Step::Sweep(None)).await
    }
}

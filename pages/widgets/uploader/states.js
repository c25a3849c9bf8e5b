// In which order uploads are listed: what moves, what waits for the user, what waits for its turn, what is done. Within
// a rank, in the order they were added.

const RANKS = {
  reading: 0,
  sending: 0,
  finishing: 0,
  same: 1,
  interrupted: 1,
  paused: 1,
  elsewhere: 1,
  failed: 2,
  waiting: 3,
  done: 4,
};

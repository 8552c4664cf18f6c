# For programs.py: redis-server on the loopback, asked by redis-cli and redis-benchmark. Only the server and what starts it
# have the malloc, for it is the server that this is about. What it answers has to be the same each time.
port=$(/usr/bin/env -u LD_PRELOAD python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --dir . >server.log 2>&1 &
server=$!
unset LD_PRELOAD
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 200); do
    redis-cli -p "$port" ping >/dev/null 2>&1 && break
    sleep 0.05
done
ask() { redis-cli -p "$port" "$@"; }
for i in $(seq 300); do
    echo "SET key:$i $(printf '%0*d' $((i * 10)) "$i")"
    echo "APPEND key:$((i % 20)) more"
    echo "HSET hash field:$i $i"
    echo "ZADD ranking $((i * 7919 % 1009)) member:$i"
    echo "RPUSH list $i"
    echo "SADD set $((i % 50))"
    echo "SETEX short:$i 1000 value"
    [ $((i % 3)) != 0 ] || echo "DEL key:$i"
done | ask | cksum
ask GET key:100 | cksum
ask HGET hash field:77
ask ZRANGE ranking 0 4 WITHSCORES
ask LRANGE list 100 105
ask SCARD set
ask SORT list DESC LIMIT 0 3
ask EVAL 'local t = {} for i = 1, 5000 do t[i] = i .. "" end return #table.concat(t)' 0
ask XADD stream '1-1' field value
ask DBSIZE
ask GET
redis-benchmark -p "$port" -q -n 20000 -r 1000 -P 8 -d 100 --threads 2 -t set,get,lpush,lrange_100,hset,zadd >benchmark.log 2>&1
echo "benchmark $?"
grep -ic error benchmark.log
ask BGSAVE >/dev/null
for _ in $(seq 200); do
    ask INFO persistence | grep -q 'rdb_bgsave_in_progress:0' && break
    sleep 0.05
done
ask INFO persistence | grep -o 'rdb_last_bgsave_status:ok'
ask DEBUG RELOAD >/dev/null
ask FLUSHALL
ask MEMORY PURGE
ask SHUTDOWN NOSAVE
wait $server
echo "server $?"

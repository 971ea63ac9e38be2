-- wrk: the request of bench/http/run; the payload is as long as its first argument says.
function init(args)
   wrk.method = "POST"
   wrk.headers["Accept"] = "application/octet-stream"
   wrk.body = string.rep("x", tonumber(args[1] or 64))
end

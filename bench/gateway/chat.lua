-- A chat completion a request.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("BENCH_KEY") or "none")
wrk.body = '{"model":"bench","max_tokens":64,"messages":[{"role":"system","content":"You answer in one sentence."},{"role":"user","content":"What is the answer to everything?"}]}'

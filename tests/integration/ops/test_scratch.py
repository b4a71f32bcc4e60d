import cProfile
import os
import pstats
import time
from dataclasses import replace

from kameng.ops.demo import seed


def test_seed(settings, owner):
    s = replace(settings, simulator_url="http://127.0.0.1:1")
    p = cProfile.Profile()
    t=time.perf_counter(); c=time.process_time()
    if os.environ.get("PROF"): p.enable()
    seed(s)
    p.disable()
    print("WALL", time.perf_counter()-t, "CPU", time.process_time()-c)
    if os.environ.get("PROF"): pstats.Stats(p).sort_stats("cumulative").print_stats(r"ops/demo", 40)
    print(owner.execute("select s.code, s.grade, (select score from supplier_score x where x.supplier_id=s.id order by id limit 1) from supplier s").fetchall())

"""卡卡云 v3 as a server: signatures, requests, answers, notices."""

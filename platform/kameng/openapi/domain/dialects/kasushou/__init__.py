"""卡速售 2.0 as a server: signatures, requests, answers, notices."""

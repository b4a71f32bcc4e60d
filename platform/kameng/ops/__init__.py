"""Running Kameng: embedded servers, supervision, the doctor, the demo's addresses."""

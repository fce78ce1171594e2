-- Runs once, when the database is made: a role for Grafana that may read everything and write nothing.
\getenv name GRAFANA_POSTGRES_USER
\getenv password GRAFANA_POSTGRES_PASSWORD
create role :"name" login password :'password' in role pg_read_all_data;
alter role :"name" set default_transaction_read_only = on;
alter role :"name" set statement_timeout = '30s';
